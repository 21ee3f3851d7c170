import type { Alert, Health, HealthStatus } from '@/api/types';
import { staleSince } from '@/live/freshness';

/** What the status card says, from what is known. Pure; instants are ms since the epoch. */

export type SystemStatus = {
  status: HealthStatus;
  /** Where the status shown is "unknown" because what we have is too old: what it was. */
  lastKnown: HealthStatus | null;
  /** Names of the checks that are not healthy, the worst first. */
  affected: string[];
  checks: number;
};

const SEVERITY: Record<HealthStatus, number> = { unhealthy: 3, degraded: 2, unknown: 1, healthy: 0 };

/** A status that nobody has confirmed for a while is not a status: it becomes "unknown". */
export function systemStatus(health: Health, time: number | null, now: number): SystemStatus {
  const checks = Object.entries(health.checks);
  const old = staleSince(time, now) !== null;
  return {
    status: old ? 'unknown' : health.status,
    lastKnown: old ? health.status : null,
    affected: checks
      .filter(([, check]) => check.status !== 'healthy')
      .sort(([, a], [, b]) => SEVERITY[b.status] - SEVERITY[a.status])
      .map(([name]) => name),
    checks: checks.length,
  };
}

export function activeAlerts<A extends Alert>(alerts: readonly A[]): A[] {
  return alerts.filter((alert) => alert.status === 'firing');
}
