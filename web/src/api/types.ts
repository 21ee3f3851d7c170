import type { paths } from './schema';

/** The API's shapes under the names the page uses, all taken from the OpenAPI document. */

type JsonOf<P extends keyof paths, M extends 'get' | 'post'> = paths[P] extends {
  [K in M]: { responses: { 200: { content: { 'application/json': infer Body } } } };
}
  ? Body
  : never;

export type Session = JsonOf<'/api/session', 'get'>;
export type Health = JsonOf<'/api/monitoring/health', 'get'>;
export type HealthCheck = Health['checks'][string];
export type HealthStatus = Health['status'];
export type Metrics = JsonOf<'/api/monitoring/metrics', 'get'>;
export type SystemMetrics = NonNullable<Metrics['system']>;
export type Performance = JsonOf<'/api/monitoring/performance', 'get'>;
export type Alert = JsonOf<'/api/monitoring/alerts', 'get'>[number];
export type Severity = Alert['severity'];
export type AlertStatus = Alert['status'];
