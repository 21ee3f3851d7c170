import createClient from 'openapi-fetch';
import { noteServerTime } from '@/live/serverClock';
import { fromAnswer, fromThrown } from './error';
import type { paths } from './schema';

const TIMEOUT_MS = 15_000;

/** The typed client of Pantau's API, on the page's own origin, with a deadline on every request. */
export const client = createClient<paths>({
  baseUrl: window.location.origin,
  fetch: (request) => fetch(request, { signal: AbortSignal.any([request.signal, AbortSignal.timeout(TIMEOUT_MS)]) }),
});

client.use({
  onResponse({ response }) {
    noteServerTime(response.headers.get('date'), Date.now());
    return undefined;
  },
});

type Answer<T> = { data?: T; error?: unknown; response: Response };

/** The data of an answer; every failure becomes an `ApiError`. An aborted request stays an abort. */
export async function unwrap<T>(pending: Promise<Answer<T>>): Promise<T> {
  let answer: Answer<T>;
  try {
    answer = await pending;
  } catch (thrown) {
    if (thrown instanceof DOMException && thrown.name === 'AbortError') throw thrown;
    throw fromThrown(thrown);
  }
  const { data, error, response } = answer;
  if (response.ok) return data as T;
  throw fromAnswer(response, error, Date.now());
}
