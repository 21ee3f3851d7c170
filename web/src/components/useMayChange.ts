import { useQuery } from '@tanstack/react-query';
import { mayChange } from '@/api/roles';
import { sessionQuery } from '@/api/session';

/** Whether whoever is signed in may change rules. */
export function useMayChange(): boolean {
  return mayChange(useQuery(sessionQuery).data?.role);
}
