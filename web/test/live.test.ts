import { describe, expect, it } from 'vitest';
import type { Alert, Health, HealthCheck, ListedAlert, Metrics, Mute, SystemMetrics } from '@/api/types';
import { applyAlert, applyCheck, applyMuting, applySystem, mergeAlerts, recentEvents } from '@/live/apply';
import { type Connection, connectionView, nextConnection, OFFLINE_AFTER_MS, retryDelay } from '@/live/connection';
import { staleSince } from '@/live/freshness';
import { clockOffset } from '@/live/serverClock';

function alert(id: string, second: number, status: Alert['status'] = 'firing', muted_by: Mute[] = []): ListedAlert {
  const created_at = new Date(second * 1000).toISOString();
  return { id, alert_id: `a-${id}`, status, created_at, resolved_at: null, muted_by } as unknown as ListedAlert;
}

/** As the stream tells it. */
function told(id: string, second: number, status: Alert['status'] = 'firing'): Alert {
  const { muted_by: _, ...event } = alert(id, second, status);
  return event;
}

describe('a check that was run now', () => {
  const check = (checked_at: string) => ({ status: 'healthy', checked_at }) as HealthCheck;
  const health = { status: 'healthy', checks: { kafka: check('2026-03-01T12:00:00.000Z') } } as unknown as Health;

  it('replaces its older result, and no newer one', () => {
    const later = check('2026-03-01T12:00:01.000Z');
    expect(applyCheck(health, 'kafka', later).checks.kafka).toBe(later);
    expect(applyCheck(health, 'memory', later).checks).toEqual({ ...health.checks, memory: later });
    expect(applyCheck(health, 'kafka', check('2026-03-01T11:59:59.000Z'))).toBe(health);
  });
});

describe('alerts from the stream', () => {
  it('puts a new alert first', () => {
    const list = applyAlert([alert('b', 20), alert('a', 10)], alert('c', 30), 10);
    expect(list.map(({ id }) => id)).toEqual(['c', 'b', 'a']);
  });

  it('replaces an episode by its later state and keeps its place', () => {
    const list = applyAlert([alert('b', 20), alert('a', 10)], alert('a', 10, 'resolved'), 10);
    expect(list.map(({ id, status }) => [id, status])).toEqual([
      ['b', 'firing'],
      ['a', 'resolved'],
    ]);
  });

  it('keeps what mutes an alert, of which the stream says nothing, until the alert is over', () => {
    const mute = { by: 'silence:s', name: 'ani', until: null, reason: 'known', receivers: [] };
    const muted = alert('a', 10, 'pending', [mute]);
    expect(applyAlert([muted], told('a', 10), 9)[0]?.muted_by).toEqual([mute]);
    expect(applyAlert([muted], told('a', 10, 'resolved'), 9)[0]?.muted_by).toEqual([]);
    expect(mergeAlerts([muted], [alert('a', 10, 'pending')])[0]?.muted_by).toEqual([]);
    expect(applyAlert([], told('b', 20), 9)[0]?.muted_by).toEqual([]);
  });

  it('takes in what mutes alerts, and what no longer does, of those that are active', () => {
    const mute = { by: 'dependency:mikrotik:edge-1', name: 'mikrotik:edge-1', until: null, reason: '', receivers: [] };
    const list = [alert('c', 30), alert('b', 20, 'resolved'), alert('a', 10, 'firing', [mute])];
    const now = applyMuting(list, { alerts: { c: [mute], b: [mute], a: [], unknown: [mute] } });
    expect(now.map(({ id, muted_by }) => [id, muted_by])).toEqual([
      ['c', [mute]],
      ['b', []],
      ['a', []],
    ]);
    expect(applyMuting(list, { alerts: {} })).toEqual(list);
  });

  it('never moves an episode backwards', () => {
    expect(mergeAlerts([alert('a', 10, 'resolved')], [alert('a', 10, 'firing')])[0]?.status).toBe('resolved');
    expect(mergeAlerts([alert('a', 10, 'firing')], [alert('a', 10, 'pending')])[0]?.status).toBe('firing');
  });

  it('drops the oldest of those that are over, and never an active one', () => {
    const list = [alert('c', 30, 'resolved'), alert('b', 20, 'resolved'), alert('a', 10)];
    expect(applyAlert(list, alert('d', 40, 'resolved'), 2).map(({ id }) => id)).toEqual(['d', 'c', 'a']);
  });

  it('forgets events that the database has had time to store', () => {
    const seen = [
      { alert: alert('a', 1), at: 0 },
      { alert: alert('b', 2), at: 50_000 },
    ];
    expect(recentEvents(seen, 60_000).map((event) => event.alert.id)).toEqual(['b']);
  });
});

describe('snapshots from the stream', () => {
  const at = (time: string) => ({ cpu_usage: 1, snapshot_time: time }) as SystemMetrics;
  const metrics = { timestamp: '', system: at('2026-03-01T12:00:00Z') } as Metrics;

  it('takes a newer one and leaves an older one', () => {
    expect(applySystem(metrics, at('2026-03-01T12:00:30Z')).system?.snapshot_time).toBe('2026-03-01T12:00:30Z');
    expect(applySystem(metrics, at('2026-03-01T11:59:30Z'))).toBe(metrics);
  });

  it('takes the first one', () => {
    expect(applySystem({ ...metrics, system: null }, at('2026-03-01T12:00:00Z')).system?.cpu_usage).toBe(1);
  });
});

describe('the connection', () => {
  const start: Connection = { phase: 'connecting', since: 0 };

  it('is live, then reconnecting, then offline since the break', () => {
    const live = nextConnection(start, { type: 'opened', at: 1000 });
    expect(connectionView(live, 1_000_000)).toBe('live');
    const lost = nextConnection(live, { type: 'lost', at: 2000 });
    const still = nextConnection(lost, { type: 'lost', at: 9000 });
    expect(still.since).toBe(2000);
    expect(connectionView(still, 2000 + OFFLINE_AFTER_MS - 1)).toBe('reconnecting');
    expect(connectionView(still, 2000 + OFFLINE_AFTER_MS)).toBe('offline');
    expect(connectionView(nextConnection(still, { type: 'opened', at: 99_000 }), 99_001)).toBe('live');
  });

  it('waits longer each time, between half of the step and all of it, at most 30 s', () => {
    expect(retryDelay(0, 0)).toBe(500);
    expect(retryDelay(3, 0)).toBe(4000);
    expect(retryDelay(60, 0.999_999)).toBe(30_000);
  });
});

describe('ages', () => {
  it('calls data stale after three missed readings', () => {
    expect(staleSince(0, 90_000)).toBeNull();
    expect(staleSince(0, 90_001)).toBe(0);
    expect(staleSince(null, 90_001)).toBeNull();
  });

  it('corrects a clock that is wrong, not one that is a second off', () => {
    const now = Date.parse('2026-03-01T12:00:00Z');
    expect(clockOffset('Sun, 01 Mar 2026 12:00:03 GMT', now)).toBe(0);
    expect(clockOffset('Sun, 01 Mar 2026 12:10:00 GMT', now)).toBe(600_000);
    expect(clockOffset('yesterday', now)).toBe(0);
    expect(clockOffset(null, now)).toBe(0);
  });
});
