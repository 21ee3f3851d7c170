/** When data counts as old. Readings and checks come every 30 s; three missed ones are no hiccup any more. */
export const STALE_AFTER_MS = 90_000;

/** The instant (ms) since which data is stale, or null while it is fresh. `time` is when the data was true. */
export function staleSince(time: number | null, now: number): number | null {
  return time !== null && now - time > STALE_AFTER_MS ? time : null;
}
