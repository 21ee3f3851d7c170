/** What can go wrong between the page and the API, in the few kinds that the page treats differently. */

export type ErrorKind =
  | 'network'
  | 'timeout'
  | 'unauthorized'
  | 'forbidden'
  | 'notFound'
  | 'conflict'
  | 'rateLimited'
  | 'unavailable'
  | 'server'
  | 'invalid'
  | 'malformed';

/** One thing that is wrong with a request: the field, or the place in a text, and why. */
export type Fault = { where: string; reason: string };

export class ApiError extends Error {
  readonly kind: ErrorKind;
  /** The HTTP status, where there was an answer. */
  readonly status: number | null;
  /** The server's own words (RFC 9457 `detail`, else `title`). */
  readonly detail: string | null;
  /** Seconds to wait, from `Retry-After`. */
  readonly retryAfter: number | null;
  /** What is wrong where, as far as the server says. */
  readonly faults: readonly Fault[];

  constructor(
    kind: ErrorKind,
    at: { status?: number; detail?: string | null; retryAfter?: number | null; faults?: readonly Fault[] } = {},
  ) {
    super(at.detail ?? kind);
    this.name = 'ApiError';
    this.kind = kind;
    this.status = at.status ?? null;
    this.detail = at.detail ?? null;
    this.retryAfter = at.retryAfter ?? null;
    this.faults = at.faults ?? [];
  }
}

export function kindOfStatus(status: number): ErrorKind {
  switch (status) {
    case 401:
      return 'unauthorized';
    case 403:
      return 'forbidden';
    case 404:
      return 'notFound';
    case 409:
    case 412:
      return 'conflict';
    case 429:
      return 'rateLimited';
    case 502:
    case 503:
    case 504:
      return 'unavailable';
    default:
      return status >= 500 ? 'server' : 'invalid';
  }
}

/** Seconds from a `Retry-After` value (a number, or an HTTP date relative to `now` in ms); null where it says nothing. */
export function retryAfterSeconds(value: string | null, now: number): number | null {
  if (value === null || value.trim() === '') return null;
  const seconds = /^\d+$/.test(value.trim()) ? Number(value) : (Date.parse(value) - now) / 1000;
  return Number.isFinite(seconds) ? Math.max(0, Math.ceil(seconds)) : null;
}

/** The words of a problem document; null where the body is something else, such as a proxy's HTML page. */
export function problemDetail(body: unknown): string | null {
  if (typeof body !== 'object' || body === null) return null;
  const { detail, title } = body as { detail?: unknown; title?: unknown };
  if (typeof detail === 'string' && detail !== '') return detail;
  return typeof title === 'string' && title !== '' ? title : null;
}

/** The single faults that a problem document lists; none where the body is something else. */
export function problemFaults(body: unknown): Fault[] {
  const errors = typeof body === 'object' && body !== null ? (body as { errors?: unknown }).errors : null;
  if (!Array.isArray(errors)) return [];
  return errors.filter(
    (one): one is Fault =>
      typeof one === 'object' && one !== null && typeof one.where === 'string' && typeof one.reason === 'string',
  );
}

/** An answer that is not what was asked for, as an error. `body`: what came with it, parsed. */
export function fromAnswer(response: Response, body: unknown, now: number): ApiError {
  return new ApiError(kindOfStatus(response.status), {
    status: response.status,
    detail: problemDetail(body),
    retryAfter: retryAfterSeconds(response.headers.get('retry-after'), now),
    faults: problemFaults(body),
  });
}

/** What `fetch` threw, as one of our kinds. */
export function fromThrown(thrown: unknown): ApiError {
  if (thrown instanceof ApiError) return thrown;
  if (thrown instanceof DOMException && thrown.name === 'TimeoutError') return new ApiError('timeout');
  if (thrown instanceof SyntaxError) return new ApiError('malformed', { detail: thrown.message });
  return new ApiError('network');
}
