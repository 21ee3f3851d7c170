import type { AlertDetail, EvidenceSeries, Moment, Transition } from '@/api/types';
import { QUIET_STEPS } from '@/charts/series';
import { parseTime } from '@/format/time';

/** What the page of an alert shows, from the API's answer. Pure; instants are ms since the epoch. */

// Longer than the charts draw a line over; see `QUIET_STEPS`.
const SILENT_STEPS = QUIET_STEPS + 2;

export type Step = {
  moment: Moment;
  at: number;
  /** How long after the step before it; null for the first. */
  afterMs: number | null;
};

/** The way of one transition, from the sample to whom it was told, in the order in which it happened. */
export function stepsOf(timeline: readonly Moment[], transition: number): Step[] {
  const steps: Step[] = [];
  for (const moment of timeline) {
    const at = parseTime(moment.at);
    if (moment.transition !== transition || at === null) continue;
    const before = steps.at(-1);
    steps.push({ moment, at, afterMs: before === undefined ? null : at - before.at });
  }
  return steps;
}

/** The transition whose evidence is looked at first: the one that fired, else the latest. */
export function firstShown(transitions: readonly Transition[]): number | null {
  const fired = transitions.find(({ state }) => state === 'firing');
  return fired?.transition ?? transitions.at(-1)?.transition ?? null;
}

export type Spans = { began: number | null; fired: number | null; ended: number | null };

/** When the episode began, fired and ended, as far as it has. */
export function spansOf({ alert, transitions }: AlertDetail): Spans {
  const instantOf = (state: Transition['state']) =>
    parseTime(transitions.find((transition) => transition.state === state)?.instant);
  const firing = instantOf('firing') ?? (alert.status === 'firing' ? parseTime(alert.created_at) : null);
  const first = parseTime(transitions[0]?.instant);
  return {
    began: first ?? (alert.status === 'pending' ? parseTime(alert.created_at) : null),
    fired: firing,
    ended: parseTime(alert.resolved_at),
  };
}

/** The usual time between samples: the median, and never nothing. Seconds. */
export function usualStep(times: readonly number[]): number {
  const gaps = times.slice(1).map((time, index) => time - (times[index] ?? time));
  gaps.sort((a, b) => a - b);
  return Math.max(gaps[Math.floor(gaps.length / 2)] ?? 60, 0.001);
}

export type Points = { times: number[]; values: (number | null)[]; step: number };

/**
 * The samples of a series as a chart takes them: seconds and values, with a gap where a sample is no number and where
 * none came for much longer than usual.
 */
export function samplesOf(series: EvidenceSeries): Points {
  const known = new Map<number, number | null>();
  for (const { time, value } of series.samples) {
    const at = parseTime(time);
    if (at !== null && !known.has(at / 1000)) known.set(at / 1000, typeof value === 'number' ? value : null);
  }
  const samples = [...known].sort(([a], [b]) => a - b);
  const step = usualStep(samples.map(([time]) => time));
  const points: Points = { times: [], values: [], step };
  for (const [time, value] of samples) {
    const last = points.times.at(-1);
    if (last !== undefined && time - last > SILENT_STEPS * step) {
      points.times.push((last + time) / 2);
      points.values.push(null);
    }
    points.times.push(time);
    points.values.push(value);
  }
  return points;
}
