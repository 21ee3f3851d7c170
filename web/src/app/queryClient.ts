import { QueryCache, QueryClient } from '@tanstack/react-query';
import { ApiError } from '@/api/error';
import { sessionQuery } from '@/api/session';

const RETRIED = new Set(['network', 'timeout', 'unavailable']);

/** One retry for what may pass by itself; a refusal is shown at once. */
function shouldRetry(failures: number, error: Error): boolean {
  return failures < 1 && error instanceof ApiError && RETRIED.has(error.kind);
}

export function createQueryClient(): QueryClient {
  const queries: QueryClient = new QueryClient({
    queryCache: new QueryCache({
      // Any refused query means that the session is over: asking for it again finds out, and leads to the login page.
      onError: (error) => {
        if (error instanceof ApiError && error.kind === 'unauthorized') {
          void queries.invalidateQueries({ queryKey: sessionQuery.queryKey });
        }
      },
    }),
    defaultOptions: {
      queries: {
        retry: shouldRetry,
        retryDelay: 1500,
        staleTime: 10_000,
        // The API is on this origin, maybe on this machine: the browser's idea of being online does not decide.
        networkMode: 'always',
      },
      mutations: { networkMode: 'always', retry: false },
    },
  });
  return queries;
}
