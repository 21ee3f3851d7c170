/**
 * The server's clock as seen from here. Ages ("5 minutes ago", "stale since") are of instants that the server wrote, so
 * they are measured against its clock: a wall display whose own clock is wrong must not call fresh data stale.
 */

// `Date` headers have whole seconds and travel for a while; smaller differences are not a wrong clock.
const TOLERANCE_MS = 5_000;

let offset = 0;

/** How far the server's clock is ahead, in ms; 0 where the header is no date or the clocks agree. */
export function clockOffset(dateHeader: string | null, localNow: number): number {
  if (dateHeader === null) return 0;
  const difference = Date.parse(dateHeader) - localNow;
  return Number.isNaN(difference) || Math.abs(difference) <= TOLERANCE_MS ? 0 : difference;
}

export function noteServerTime(dateHeader: string | null, localNow: number): void {
  if (dateHeader !== null) offset = clockOffset(dateHeader, localNow);
}

/** Now, in ms since the epoch, by the server's clock. */
export function serverNow(): number {
  return Date.now() + offset;
}
