/** Texts of the time axis. Times are seconds since the epoch. */

/** A label per tick: the time of day, with the day below it at the first tick and where the day changes. */
export function timeLabels(ticks: readonly number[], stepSeconds: number, locale: string): string[] {
  const first = ticks[0];
  const last = ticks.at(-1);
  if (first === undefined || last === undefined) return [];
  const time = new Intl.DateTimeFormat(locale, {
    hour: '2-digit',
    minute: '2-digit',
    ...(stepSeconds < 60 ? { second: '2-digit' as const } : {}),
  });
  const day = new Intl.DateTimeFormat(locale, { day: 'numeric', month: 'short' });
  const severalDays = day.format(first * 1000) !== day.format(last * 1000);
  let shown = '';
  return ticks.map((tick) => {
    const text = time.format(tick * 1000);
    if (!severalDays) return text;
    const today = day.format(tick * 1000);
    if (today === shown) return text;
    shown = today;
    return `${text}\n${today}`;
  });
}

/** The top of a value axis that begins at 0: some room above the highest value, and never a flat axis. */
export function axisTop(max: number | null, least: number): number {
  return Math.max(least, (max ?? 0) * 1.12);
}

/** A value axis that shows how values differ: from below the lowest to above the highest, also where all are the same. */
export function axisAround(min: number, max: number): [number, number] {
  const room = max > min ? (max - min) * 0.12 : Math.max(Math.abs(max) * 0.1, 1);
  return [min - room, max + room];
}
