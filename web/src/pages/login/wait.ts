/** Whole seconds until the next attempt is allowed, `retryAfter` seconds after `at` (ms); 0 when it is now. */
export function secondsLeft(retryAfter: number | null, at: number, now: number): number {
  return retryAfter === null ? 0 : Math.max(0, Math.ceil(retryAfter - (now - at) / 1000));
}
