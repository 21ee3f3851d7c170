/** A time series as the chart takes it: seconds since the epoch, and values with null where there is none. */
export type Series = { times: number[]; values: (number | null)[] };

/** The API's two columns as a series. Instants that are none are left out, and so are repeated or backward ones. */
export function toSeries(timestamps: readonly string[], values: readonly (number | null)[]): Series {
  const series: Series = { times: [], values: [] };
  timestamps.forEach((timestamp, index) => {
    const time = Date.parse(timestamp) / 1000;
    const last = series.times.at(-1);
    if (Number.isNaN(time) || (last !== undefined && time <= last)) return;
    series.times.push(time);
    series.values.push(values[index] ?? null);
  });
  return series;
}

/** Latest and highest value; null where there is none at all. */
export function summarize(values: readonly (number | null)[]): { latest: number; max: number } | null {
  const known = values.filter((value) => value !== null);
  const latest = known.at(-1);
  return latest === undefined ? null : { latest, max: Math.max(...known) };
}

/**
 * How many steps in a row may be empty before a line is broken. A quiet minute has no response time, which is no outage;
 * the line goes on over it.
 */
export const QUIET_STEPS = 4;

/** Indices of values that no line reaches, because the next ones are too far away: these are drawn as dots. */
export function isolatedIndices(values: readonly (number | null | undefined)[], quiet = QUIET_STEPS): number[] {
  const known = values.flatMap((value, index) => (value == null ? [] : [index]));
  return known.filter((index, at) => {
    const before = known[at - 1];
    const after = known[at + 1];
    const far = (other: number | undefined) => other === undefined || Math.abs(other - index) > quiet + 1;
    return far(before) && far(after);
  });
}

/** The index of the nearest known value from `from` in the direction of `step` (+1 or -1); `from` where there is none. */
export function nextKnown(values: readonly (number | null)[], from: number, step: 1 | -1): number {
  for (let index = from + step; index >= 0 && index < values.length; index += step) {
    if (values[index] !== null) return index;
  }
  return from;
}
