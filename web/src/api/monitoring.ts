import { keepPreviousData, queryOptions } from '@tanstack/react-query';
import { mergeAlerts, recentEvents, type SeenAlert } from '@/live/apply';
import { client, unwrap } from './client';
import { ApiError } from './error';
import type { HealthCheck, ListedAlert } from './types';

/** The live stream brings changes at once; polling is the net below it. */
export const REFRESH_MS = 30_000;
export const ALERT_LIMIT = 100;

export type PerformanceMetric =
  | 'response_time'
  | 'request_rate'
  | 'error_rate'
  | 'cpu_usage'
  | 'memory_usage'
  | 'disk_usage';

export const healthQuery = queryOptions({
  queryKey: ['monitoring', 'health'],
  queryFn: ({ signal }) => unwrap(client.GET('/api/monitoring/health', { signal })),
  refetchInterval: REFRESH_MS,
});

/** Runs a check now, and says what it found. The stream tells everybody else. */
export function runCheck(check: string): Promise<HealthCheck> {
  return unwrap(client.POST('/api/monitoring/health/{check}/run', { params: { path: { check } } }));
}

export const metricsQuery = queryOptions({
  queryKey: ['monitoring', 'metrics'],
  queryFn: ({ signal }) => unwrap(client.GET('/api/monitoring/metrics', { signal })),
  refetchInterval: REFRESH_MS,
});

/** Alert events that the stream brought in the last while; see `recentEvents`. */
export const seenAlertsKey = ['live', 'alerts'] as const;

/** The list of alerts; `missing` says why those that are over are not all there. */
export type AlertList = { alerts: ListedAlert[]; missing: ApiError | null };

/**
 * Active alerts however old they are (an old firing alert must not fall off the list), and the latest others. Active ones
 * are known while the database is down, which is when they matter most, so the others may be missing.
 */
export const alertsQuery = queryOptions({
  queryKey: ['monitoring', 'alerts'],
  queryFn: async ({ signal, client: queries, queryKey }): Promise<AlertList> => {
    const [active, latest] = await Promise.allSettled([getAlerts('active', signal), getAlerts('all', signal)]);
    if (active.status === 'rejected') throw active.reason;
    const seen = queries.getQueryData<SeenAlert[]>(seenAlertsKey) ?? [];
    const events = recentEvents(seen, Date.now()).map(({ alert }) => alert);
    if (latest.status === 'fulfilled')
      return { alerts: mergeAlerts(active.value, latest.value, events), missing: null };
    if (!(latest.reason instanceof ApiError) || latest.reason.kind === 'unauthorized') throw latest.reason;
    const over = queries.getQueryData<AlertList>(queryKey)?.alerts.filter(({ status }) => status === 'resolved') ?? [];
    return { alerts: mergeAlerts(active.value, over, events), missing: latest.reason };
  },
  refetchInterval: REFRESH_MS,
  // A tab in the background still counts active alerts in its title.
  refetchIntervalInBackground: true,
});

function getAlerts(status: 'active' | 'all', signal: AbortSignal): Promise<ListedAlert[]> {
  return unwrap(client.GET('/api/monitoring/alerts', { params: { query: { status, limit: ALERT_LIMIT } }, signal }));
}

export function performanceQuery(metric: PerformanceMetric, period: string) {
  return queryOptions({
    queryKey: ['monitoring', 'performance', metric, period],
    queryFn: ({ signal }) =>
      unwrap(client.GET('/api/monitoring/performance', { params: { query: { metric, period } }, signal })),
    refetchInterval: REFRESH_MS,
    placeholderData: keepPreviousData,
  });
}
