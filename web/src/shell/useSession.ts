import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useLocation, useNavigate } from '@tanstack/react-router';
import { useEffect } from 'react';
import { sessionQuery } from '@/api/session';
import type { Session } from '@/api/types';

// What `setTimeout` can hold; a session that lasts longer is simply asked for again then.
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** Who is signed in. When the session ends, by time or by refusal, the page moves to the login and remembers the way back. */
export function useSession(): Session | null {
  const queries = useQueryClient();
  const navigate = useNavigate();
  const here = useLocation({ select: (location) => location.href });
  const session = useQuery(sessionQuery).data ?? null;
  const ended = queries.getQueryData(sessionQuery.queryKey) === null;

  useEffect(() => {
    if (!ended || here.startsWith('/login')) return;
    void navigate({ to: '/login', search: { from: here, expired: true }, replace: true });
  }, [ended, here, navigate]);

  const expiresAt = session?.expires_at ?? null;
  useEffect(() => {
    if (expiresAt === null) return undefined;
    const left = Date.parse(expiresAt) - Date.now() + 1000;
    const timer = window.setTimeout(
      () => void queries.invalidateQueries({ queryKey: sessionQuery.queryKey }),
      Math.min(Math.max(left, 10_000), LONGEST_TIMER_MS),
    );
    return () => window.clearTimeout(timer);
  }, [expiresAt, queries]);

  return session;
}
