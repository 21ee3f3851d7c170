import type { Alert, Health, HealthCheck, ListedAlert, Metrics, Mute, SystemMetrics } from '@/api/types';

/** How events of the live stream change what the page already knows. Pure: old value and event in, new value out. */

const RANK: Record<Alert['status'], number> = { pending: 0, firing: 1, resolved: 2 };

/** Newest first; the id decides between two of the same instant, so that the order never flickers. */
function byNewest(a: Alert, b: Alert): number {
  return b.created_at.localeCompare(a.created_at) || b.id.localeCompare(a.id);
}

/**
 * One list without repetitions. An episode only moves forward: an answer that is older than an event cannot undo it. Alerts
 * of the stream don't say what keeps them from being told, which has an event of its own: what was known of that stays until
 * the alert is over.
 */
export function mergeAlerts(...lists: readonly (readonly (Alert | ListedAlert)[])[]): ListedAlert[] {
  const byId = new Map<string, ListedAlert>();
  for (const alert of lists.flat()) {
    const known = byId.get(alert.id);
    if (known !== undefined && RANK[alert.status] < RANK[known.status]) continue;
    const told = 'muted_by' in alert ? alert.muted_by : (known?.muted_by ?? []);
    byId.set(alert.id, { ...alert, muted_by: alert.status === 'resolved' ? [] : told });
  }
  return [...byId.values()].sort(byNewest);
}

/** `alerts` with one event taken in; at most `limit` that are over are kept, active ones always. */
export function applyAlert(alerts: readonly ListedAlert[], event: Alert, limit: number): ListedAlert[] {
  let over = 0;
  return mergeAlerts(alerts, [event]).filter((alert) => {
    if (alert.status !== 'resolved') return true;
    over += 1;
    return over <= limit;
  });
}

/** What keeps alerts from being told, by the episode's id: of those it names, others stay as they are. */
export type Muting = { alerts: Readonly<Record<string, Mute[]>> };

/** `alerts` with what mutes them now. */
export function applyMuting(alerts: readonly ListedAlert[], muting: Muting): ListedAlert[] {
  return alerts.map((alert) => {
    const told = Object.hasOwn(muting.alerts, alert.id) ? muting.alerts[alert.id] : undefined;
    return told === undefined || alert.status === 'resolved' ? alert : { ...alert, muted_by: told };
  });
}

/** A new snapshot of the machine; one that is older than what is shown is ignored. */
export function applySystem(metrics: Metrics, system: SystemMetrics): Metrics {
  const shown = metrics.system?.snapshot_time;
  if (shown !== undefined && shown !== null && system.snapshot_time < shown) return metrics;
  return { ...metrics, system };
}

/** The result of one check taken in; one that is older than what is shown is ignored. */
export function applyCheck(health: Health, name: string, check: HealthCheck): Health {
  const shown = health.checks[name];
  if (shown !== undefined && check.checked_at < shown.checked_at) return health;
  return { ...health, checks: { ...health.checks, [name]: check } };
}

export type SeenAlert = { alert: Alert; at: number };

const SETTLE_MS = 60_000;

/**
 * Those of the events seen through the stream that the database may not have yet. An event travels to the page and to the
 * database side by side; an answer that was read just before must not make an alert vanish again.
 */
export function recentEvents(seen: readonly SeenAlert[], now: number): SeenAlert[] {
  return seen.filter(({ at }) => now - at < SETTLE_MS);
}
