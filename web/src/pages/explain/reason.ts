import type { Explanation, Reason, Verdict } from '@/api/types';

/** Which of our sentences says what the API means by its keys. Pure. */

type ReasonText = Exclude<Reason['key'], 'no_sample'> | 'no_sample' | 'no_sample_ever' | 'no_sample_newest';

/** A reason's sentence; what is known of the series decides between those about missing samples. */
export function reasonText({ key, values }: Reason): ReasonText {
  if (key !== 'no_sample' || values.series === undefined) return key;
  return values.newest === undefined ? 'no_sample_ever' : 'no_sample_newest';
}

const INSTANTS = ['start', 'end', 'newest'] as const;

/** A reason's values with its instants written as `write` writes them; a number of series also counts for the plural. */
export function reasonValues(
  { values }: Reason,
  write: (time: number) => string,
): Record<string, string | number> & { count: number } {
  const written: Record<string, string | number> = { ...values };
  for (const name of INSTANTS) {
    const time = Date.parse(String(values[name] ?? ''));
    if (!Number.isNaN(time)) written[name] = write(time);
  }
  return { ...written, count: Number(values.series ?? 0) };
}

type VerdictText = Verdict['key'] | 'firesBefore';

/** The verdict's sentence. Where an alert is older than the window that was evaluated, "since" is not the beginning. */
export function verdictText({ verdict, alerts }: Pick<Explanation, 'verdict' | 'alerts'>): VerdictText {
  if (verdict.key === 'fires' && alerts.some(({ state, since }) => state === 'firing' && since === null))
    return 'firesBefore';
  return verdict.key;
}
