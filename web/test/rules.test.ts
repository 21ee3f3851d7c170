import { describe, expect, it } from 'vitest';
import { mayChange } from '@/api/roles';
import type { RuleGroup } from '@/api/types';

import { conditionOf, countByState, filterGroups, needsAttention, silenceOf } from '@/pages/rules/condition';
import { rulesSearch } from '@/pages/rules/rulesSearch';

type Status = Partial<RuleGroup['status']>;

function group(name: string, status: Status = {}, rules: Partial<RuleGroup['rules'][number]>[] = []): RuleGroup {
  const evaluated = { state: 'active', version: 1, told_at: '2026-03-01T12:00:00Z', problem_count: 0, ...status };
  const full = rules.map((rule) => ({ name: '', expr: '', message: null, labels: {}, shadow: false, ...rule }));
  return { name, version: 1, enabled: true, rules: full, status: evaluated } as unknown as RuleGroup;
}

describe('how a group stands', () => {
  it('is in trouble although it is active, where a rule of it fails', () => {
    expect(conditionOf(group('a'))).toBe('active');
    expect(conditionOf(group('a', { problem_count: 1 }))).toBe('problems');
  });

  it('stays what it is where something else is the matter', () => {
    expect(conditionOf(group('a', { state: 'refused', problem_count: 2 }))).toBe('refused');
    expect(conditionOf(group('a', { state: 'filling', problem_count: 2 }))).toBe('filling');
  });

  it('needs attention when it is not evaluated as it should be, and not while it fills', () => {
    const states = ['refused', 'unknown', 'active', 'filling', 'disabled'] as const;
    expect(states.filter((state) => needsAttention(group('a', { state })))).toEqual(['refused', 'unknown']);
    expect(needsAttention(group('a', { state: 'filling', problem_count: 1 }))).toBe(true);
  });

  it('tells why nobody knows', () => {
    expect(silenceOf(group('a'))).toBeNull();
    expect(silenceOf(group('a', { state: 'unknown', version: null, told_at: null }))).toEqual({ why: 'never' });
    expect(silenceOf({ ...group('a', { state: 'unknown' }), version: 2 })).toEqual({ why: 'otherVersion', version: 1 });
    expect(silenceOf(group('a', { state: 'unknown' }))).toEqual({ why: 'silent', since: '2026-03-01T12:00:00Z' });
  });
});

describe('which groups are shown', () => {
  const groups = [
    group('web', { firing: 2 }, [{ name: 'Slow', expr: 'latency_seconds > 2', labels: { team: 'billing' } }]),
    group('router', { state: 'refused' }, [{ name: 'Down', expr: 'up == 0', shadow: true }]),
    { ...group('old', { state: 'disabled' }, [{ name: 'Gone', expr: 'absent(x)' }]), enabled: false },
  ];
  const names = (...of: Parameters<typeof filterGroups>) => filterGroups(...of).map(({ name }) => name);

  it('finds words in names, expressions and labels, each of them somewhere', () => {
    expect(names(groups, 'all', 'LATENCY')).toEqual(['web']);
    expect(names(groups, 'all', 'web team=billing')).toEqual(['web']);
    expect(names(groups, 'all', 'web absent')).toEqual([]);
    expect(names(groups, 'all', '  ')).toEqual(['web', 'router', 'old']);
  });

  it('finds states', () => {
    expect(names(groups, 'attention', '')).toEqual(['router']);
    expect(names(groups, 'shadow', '')).toEqual(['router']);
    expect(names(groups, 'disabled', '')).toEqual(['old']);
    expect(names(groups, 'firing', 'slow')).toEqual(['web']);
    expect(countByState(groups)).toEqual({ all: 3, attention: 1, firing: 1, filling: 0, shadow: 1, disabled: 1 });
  });

  it('takes from the address what it knows', () => {
    expect(rulesSearch({ q: 5, state: 'filling' })).toEqual({ q: '5', state: 'filling' });
    expect(rulesSearch({ q: '', state: 'all' })).toEqual({});
    expect(rulesSearch({ q: ['a'], state: 'broken' })).toEqual({});
  });
});

it('only operators and administrators change rules', () => {
  expect((['viewer', 'operator', 'admin', 'ingest', undefined] as const).filter(mayChange)).toEqual([
    'operator',
    'admin',
  ]);
});
