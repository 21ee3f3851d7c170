import { keepPreviousData, queryOptions } from '@tanstack/react-query';
import { client, unwrap } from './client';
import { REFRESH_MS } from './monitoring';
import type { Severity } from './types';

export type AlertFilter = {
  status: 'active' | 'resolved' | 'all';
  severity: Severity | null;
  /** Alerts of rules that are tried out: not, only, or too. */
  shadow: 'false' | 'true' | 'all';
  limit: number;
};

/** What the live stream's alerts make old; see `LiveProvider`. */
export const alertListsKey = ['monitoring', 'alertList'] as const;
export const alertDetailsKey = ['monitoring', 'alert'] as const;

export function alertListQuery(filter: AlertFilter) {
  return queryOptions({
    queryKey: [...alertListsKey, filter],
    queryFn: ({ signal }) => unwrap(client.GET('/api/monitoring/alerts', { params: { query: filter }, signal })),
    refetchInterval: REFRESH_MS,
    placeholderData: keepPreviousData,
  });
}

export function alertQuery(id: string) {
  return queryOptions({
    queryKey: [...alertDetailsKey, id],
    queryFn: ({ signal }) => unwrap(client.GET('/api/monitoring/alerts/{id}', { params: { path: { id } }, signal })),
    refetchInterval: REFRESH_MS,
  });
}
