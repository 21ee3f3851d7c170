import type { Rule, RuleGroup } from '@/api/types';

/** How a group stands, for people. Pure. */

export type Condition = 'refused' | 'problems' | 'unknown' | 'filling' | 'active' | 'disabled';

/** A group that runs, but with rules that can't be evaluated, is in trouble of its own kind. */
export function conditionOf(group: RuleGroup): Condition {
  const { state, problem_count } = group.status;
  if (state === 'active' && problem_count > 0) return 'problems';
  return state;
}

const ATTENTION: ReadonlySet<Condition> = new Set<Condition>(['refused', 'problems', 'unknown']);

export function needsAttention(group: RuleGroup): boolean {
  return ATTENTION.has(conditionOf(group)) || group.status.problem_count > 0;
}

export function hasShadow(group: RuleGroup): boolean {
  return group.rules.some((rule) => rule.shadow);
}

/** Why a state is unknown: alerting has never spoken of the group, speaks of another version, or has fallen silent. */
export type Silence = { why: 'never' } | { why: 'otherVersion'; version: number } | { why: 'silent'; since: string };

export function silenceOf({ version, status }: RuleGroup): Silence | null {
  if (status.state !== 'unknown') return null;
  if (status.version === null || status.told_at === null) return { why: 'never' };
  if (status.version !== version) return { why: 'otherVersion', version: status.version };
  return { why: 'silent', since: status.told_at };
}

export const STATES = ['all', 'attention', 'firing', 'filling', 'shadow', 'disabled'] as const;
export type StateFilter = (typeof STATES)[number];

export function isStateFilter(value: unknown): value is StateFilter {
  return STATES.some((state) => state === value);
}

const BELONGS: Record<StateFilter, (group: RuleGroup) => boolean> = {
  all: () => true,
  attention: needsAttention,
  firing: (group) => (group.status.firing ?? 0) > 0,
  filling: (group) => group.status.state === 'filling',
  shadow: hasShadow,
  disabled: (group) => !group.enabled,
};

/** Groups in a state, and of these those in which each word of `text` is found: in their name, or in those of a rule. */
export function filterGroups(groups: readonly RuleGroup[], state: StateFilter, text: string): RuleGroup[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  return groups.filter((group) => BELONGS[state](group) && matches(group, words));
}

export function countByState(groups: readonly RuleGroup[]): Record<StateFilter, number> {
  const count = (state: StateFilter) => groups.filter(BELONGS[state]).length;
  return {
    all: groups.length,
    attention: count('attention'),
    firing: count('firing'),
    filling: count('filling'),
    shadow: count('shadow'),
    disabled: count('disabled'),
  };
}

function matches(group: RuleGroup, words: readonly string[]): boolean {
  if (words.length === 0) return true;
  const name = group.name.toLowerCase();
  const texts = group.rules.map(textOf);
  return words.every((word) => name.includes(word) || texts.some((text) => text.includes(word)));
}

function textOf(rule: Rule): string {
  return [rule.name, rule.expr, rule.message ?? '', ...Object.entries(rule.labels).map((pair) => pair.join('='))]
    .join('\n')
    .toLowerCase();
}
