import type { Matcher, Silence, SilenceRequest } from '@/api/types';

/** What the page of silences shows and sends. Pure. */

export const OPERATORS = ['=', '!=', '=~', '!~'] as const;
export type MatcherRow = { id: number; name: string; operator: Matcher['operator']; value: string };

type Window = NonNullable<SilenceRequest['windows']>[number];

export const WEEKDAYS = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'] as const;
export type Weekday = (typeof WEEKDAYS)[number];

/** Matchers as rows of a form. */
export function rowsOf(matchers: readonly Matcher[]): MatcherRow[] {
  return matchers.map(({ name, operator, value }, id) => ({ id, name, operator, value }));
}

/** The matchers of the rows that name a label. */
export function matchersOfRows(rows: readonly MatcherRow[]): SilenceRequest['matchers'] {
  return rows
    .filter(({ name }) => name.trim() !== '')
    .map(({ name, operator, value }) => ({ name: name.trim(), operator, value }));
}

/** `site=~"jkt-.*"`, as Alertmanager writes it. */
export function matcherText({ name, operator, value }: Matcher): string {
  return `${name}${operator}${JSON.stringify(value)}`;
}

/** Windows on these days from one time to another, which may be on the next day; no days: every day. */
export function windowsOf(days: readonly Weekday[], from: string, to: string, zone: string): Window[] {
  const times = (start: string, end: string) => [{ start_time: start, end_time: end }];
  const on = (chosen: readonly Weekday[]) => (chosen.length === 0 ? {} : { weekdays: [...chosen] });
  const end = to === '00:00' ? '24:00' : to;
  if (from < end) return [{ ...on(days), times: times(from, end), location: zone }];
  const next = days.map((day) => WEEKDAYS[(WEEKDAYS.indexOf(day) + 1) % 7] ?? day);
  return [
    { ...on(days), times: times(from, '24:00'), location: zone },
    { ...on(next), times: times('00:00', to), location: zone },
  ];
}

/** A window in a line: `monday–friday 22:00–24:00 (Asia/Jakarta)`. */
export function windowText(window: Silence['windows'][number], dayName: (day: Weekday) => string): string {
  const named = (text: string) =>
    text
      .split(':')
      .map((day) => ((WEEKDAYS as readonly string[]).includes(day) ? dayName(day as Weekday) : day))
      .join('–');
  const days = (window.weekdays ?? []).map(named).join(', ');
  const others = [window.dates, window.days_of_month, window.months, window.years].flatMap((one) => one ?? []);
  const times = (window.times ?? []).map(({ start_time, end_time }) => `${start_time}–${end_time}`).join(', ');
  return [days, others.join(', '), times, `(${window.location})`].filter((part) => part !== '').join(' ');
}

const RANK: Record<Silence['state'], number> = { active: 0, pending: 1, expired: 2 };

/** Those that hold first, by their end; what is over last, the latest first. */
export function inOrder(silences: readonly Silence[]): Silence[] {
  return [...silences].sort((a, b) => {
    if (a.state !== b.state) return RANK[a.state] - RANK[b.state];
    const byEnd = a.ends_at.localeCompare(b.ends_at);
    return (a.state === 'expired' ? -byEnd : byEnd) || a.id.localeCompare(b.id);
  });
}
