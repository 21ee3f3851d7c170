import { queryOptions } from '@tanstack/react-query';
import { alertDetailsKey } from './alerts';
import { client, unwrap } from './client';
import type { Silence, SilenceRequest } from './types';

const REFRESH_MS = 15_000;

export const silencesKey = ['monitoring', 'silences'] as const;

export const silencesQuery = queryOptions({
  queryKey: silencesKey,
  queryFn: ({ signal }) =>
    unwrap(client.GET('/api/monitoring/silences', { params: { query: { kind: 'all', limit: 2_000 } }, signal })),
  refetchInterval: REFRESH_MS,
});

/** What mutes an active alert now. */
export function mutingQuery(id: string) {
  return queryOptions({
    queryKey: [...alertDetailsKey, id, 'muting'],
    queryFn: ({ signal }) =>
      unwrap(client.GET('/api/monitoring/alerts/{id}/muting', { params: { path: { id } }, signal })),
    refetchInterval: REFRESH_MS,
  });
}

/** The alerts that matchers match, now and in the last day. */
export function previewQuery(matchers: SilenceRequest['matchers']) {
  return queryOptions({
    queryKey: [...silencesKey, 'preview', matchers],
    queryFn: ({ signal }) => unwrap(client.POST('/api/monitoring/silences/preview', { body: { matchers }, signal })),
    retry: false,
    enabled: matchers.length > 0,
  });
}

export async function createSilence(body: SilenceRequest) {
  return unwrap(client.POST('/api/monitoring/silences', { body }));
}

export async function getSilence(id: string) {
  return unwrap(client.GET('/api/monitoring/silences/{id}', { params: { path: { id } } }));
}

/** Puts another in the place of a silence that is still as it was seen; else an error of the kind `conflict`. */
export async function changeSilence({ id, version }: Silence, wanted: SilenceRequest) {
  return unwrap(
    client.PUT('/api/monitoring/silences/{id}', { params: { path: { id } }, body: { ...wanted, version } }),
  );
}

/** Ends a silence that is still as it was seen; else an error of the kind `conflict`. */
export async function expireSilence({ id, version }: Silence) {
  return unwrap(client.DELETE('/api/monitoring/silences/{id}', { params: { path: { id }, query: { version } } }));
}

export async function acknowledgeAlert(id: string, reason: string, seconds: number | null) {
  const body = { reason, ...(seconds === null ? {} : { duration_seconds: seconds }) };
  return unwrap(client.POST('/api/monitoring/alerts/{id}/acknowledge', { params: { path: { id } }, body }));
}

export async function unacknowledgeAlert(id: string) {
  return unwrap(client.DELETE('/api/monitoring/alerts/{id}/acknowledge', { params: { path: { id } } }));
}
