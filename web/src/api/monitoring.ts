import { keepPreviousData, queryOptions } from '@tanstack/react-query';
import { mergeAlerts, recentEvents, type SeenAlert } from '@/live/apply';
import { client, unwrap } from './client';

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

export const metricsQuery = queryOptions({
  queryKey: ['monitoring', 'metrics'],
  queryFn: ({ signal }) => unwrap(client.GET('/api/monitoring/metrics', { signal })),
  refetchInterval: REFRESH_MS,
});

/** Alert events that the stream brought in the last while; see `recentEvents`. */
export const seenAlertsKey = ['live', 'alerts'] as const;

/** Active alerts however old they are, and the latest others: an old firing alert must not fall off the list. */
export const alertsQuery = queryOptions({
  queryKey: ['monitoring', 'alerts'],
  queryFn: async ({ signal, client: queries }) => {
    const [active, latest] = await Promise.all(
      (['active', 'all'] as const).map((status) =>
        unwrap(client.GET('/api/monitoring/alerts', { params: { query: { status, limit: ALERT_LIMIT } }, signal })),
      ),
    );
    const seen = queries.getQueryData<SeenAlert[]>(seenAlertsKey) ?? [];
    return mergeAlerts(
      active ?? [],
      latest ?? [],
      recentEvents(seen, Date.now()).map(({ alert }) => alert),
    );
  },
  refetchInterval: REFRESH_MS,
  // A tab in the background still counts active alerts in its title.
  refetchIntervalInBackground: true,
});

export function performanceQuery(metric: PerformanceMetric, period: string) {
  return queryOptions({
    queryKey: ['monitoring', 'performance', metric, period],
    queryFn: ({ signal }) =>
      unwrap(client.GET('/api/monitoring/performance', { params: { query: { metric, period } }, signal })),
    refetchInterval: REFRESH_MS,
    placeholderData: keepPreviousData,
  });
}
