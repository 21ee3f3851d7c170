import { describe, expect, it } from 'vitest';
import type { Explanation, Reason } from '@/api/types';
import { explainSearch, matchersOf } from '@/pages/explain/explainSearch';
import { reasonText, reasonValues, verdictText } from '@/pages/explain/reason';

describe('what is asked', () => {
  it('takes instants as texts and as seconds', () => {
    expect(explainSearch({ rule: 'A', at: '2026-03-01T12:00:00Z' }).at).toBe('2026-03-01T12:00:00.000Z');
    expect(explainSearch({ rule: 'A', at: 1_772_366_400 }).at).toBe('2026-03-01T12:00:00.000Z');
    expect(explainSearch({ rule: 'A', at: 'soon' }).at).toBeUndefined();
    expect(explainSearch({ rule: 'A', at: 1e300 }).at).toBeUndefined();
  });

  it('keeps names that look like numbers, and refuses places that are none', () => {
    expect(explainSearch({ rule: 404, place: 2, version: 'now' })).toEqual({ rule: '404', place: 2, version: 'now' });
    expect(explainSearch({ rule: 'A', place: -1, version: 'later', group: {} })).toEqual({ rule: 'A' });
  });

  it('writes labels as matchers', () => {
    expect(matchersOf({ alertname: 'A', path: 'C:\\"x"', host: 'web-1', empty: '' })).toBe(
      '{host="web-1", path="C:\\\\\\"x\\""}',
    );
    expect(matchersOf({ 'with.dot': '1' })).toBe('{"with.dot"="1"}');
    expect(matchersOf({ alertname: 'A' })).toBeUndefined();
  });
});

describe('what is said', () => {
  const reason = (key: string, values: Record<string, string | number>) => ({ key, values }) as unknown as Reason;

  it('tells missing samples apart by what history knows', () => {
    expect(reasonText(reason('no_sample', {}))).toBe('no_sample');
    expect(reasonText(reason('no_sample', { series: 2 }))).toBe('no_sample_ever');
    expect(reasonText(reason('no_sample', { series: 2, newest: '2026-03-01T12:00:00Z' }))).toBe('no_sample_newest');
    expect(reasonText(reason('ended', { series: 2 }))).toBe('ended');
  });

  it('writes instants for people, and leaves other values as they are', () => {
    const values = { start: '2026-03-01T12:00:00Z', labels: 'a{b="c"}', series: 3 };
    expect(reasonValues(reason('no_sample', values), (time) => `<${time}>`)).toEqual({
      start: '<1772366400000>',
      labels: 'a{b="c"}',
      series: 3,
      count: 3,
    });
  });

  it('does not call the beginning of the window the beginning of the alert', () => {
    const told = (since: string | null) =>
      ({ verdict: { key: 'fires' }, alerts: [{ state: 'firing', since }] }) as unknown as Explanation;
    expect(verdictText(told('2026-03-01T12:00:00Z'))).toBe('fires');
    expect(verdictText(told(null))).toBe('firesBefore');
  });
});
