export type LoginSearch = { from?: string; expired?: boolean };

/** What the login page takes from its address: the way back, on this site only, and whether a session has ended. */
export function loginSearch(search: Record<string, unknown>): LoginSearch {
  const found: LoginSearch = {};
  if (isOwnPath(search.from)) found.from = search.from;
  if (search.expired === true) found.expired = true;
  return found;
}

/** A path on this origin. `//host` and `/\host` lead elsewhere, and `/login` would go in circles. */
function isOwnPath(value: unknown): value is string {
  return typeof value === 'string' && /^\/(?![/\\])/.test(value) && !/^\/login([/?#]|$)/.test(value);
}
