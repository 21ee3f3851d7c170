import { describe, expect, it } from 'vitest';
import { ApiError, fromThrown, kindOfStatus, problemDetail, retryAfterSeconds } from '@/api/error';

describe('errors of the API', () => {
  it.each([
    [401, 'unauthorized'],
    [403, 'forbidden'],
    [404, 'notFound'],
    [422, 'invalid'],
    [429, 'rateLimited'],
    [500, 'server'],
    [502, 'unavailable'],
    [503, 'unavailable'],
  ])('%d is %s', (status, kind) => expect(kindOfStatus(status)).toBe(kind));

  it('reads Retry-After as seconds and as a date', () => {
    const now = Date.parse('2026-03-01T12:00:00Z');
    expect(retryAfterSeconds('30', now)).toBe(30);
    expect(retryAfterSeconds('Sun, 01 Mar 2026 12:01:00 GMT', now)).toBe(60);
    expect(retryAfterSeconds('Sun, 01 Mar 2026 11:00:00 GMT', now)).toBe(0);
    expect(retryAfterSeconds('later', now)).toBeNull();
    expect(retryAfterSeconds(null, now)).toBeNull();
  });

  it('takes the words of a problem document, and nothing from a page of HTML', () => {
    expect(problemDetail({ title: 'Unavailable', detail: 'The database does not answer' })).toBe(
      'The database does not answer',
    );
    expect(problemDetail({ title: 'Unavailable' })).toBe('Unavailable');
    expect(problemDetail('<html>')).toBeNull();
    expect(problemDetail(null)).toBeNull();
  });

  it('tells a deadline from a broken line from an unreadable answer', () => {
    expect(fromThrown(new DOMException('', 'TimeoutError')).kind).toBe('timeout');
    expect(fromThrown(new TypeError('Failed to fetch')).kind).toBe('network');
    expect(fromThrown(new SyntaxError('Unexpected token')).kind).toBe('malformed');
    const known = new ApiError('forbidden');
    expect(fromThrown(known)).toBe(known);
  });
});
