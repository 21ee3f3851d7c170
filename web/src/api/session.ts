import { queryOptions } from '@tanstack/react-query';
import { client, unwrap } from './client';
import { ApiError } from './error';
import type { Session } from './types';

/** Who is signed in; null when nobody is. */
export const sessionQuery = queryOptions({
  queryKey: ['session'],
  queryFn: async ({ signal }): Promise<Session | null> => {
    try {
      return await unwrap(client.GET('/api/session', { signal }));
    } catch (error) {
      if (error instanceof ApiError && error.kind === 'unauthorized') return null;
      throw error;
    }
  },
  staleTime: 5 * 60_000,
  retry: false,
});

export function signIn(username: string, password: string): Promise<Session> {
  return unwrap(client.POST('/api/session', { body: { username, password } }));
}

export async function signOut(): Promise<void> {
  try {
    await unwrap(client.DELETE('/api/session'));
  } catch (error) {
    // A session that is already over is what was asked for.
    if (!(error instanceof ApiError && error.kind === 'unauthorized')) throw error;
  }
}
