import { describe, expect, it } from 'vitest';
import type { Health, HealthStatus } from '@/api/types';
import { axisTop, timeLabels } from '@/charts/axis';
import { isolatedIndices, nextKnown, summarize, toSeries } from '@/charts/series';
import { shownLabels } from '@/components/shownLabels';
import { checkDetail } from '@/pages/overview/checkDetail';
import { checkParts } from '@/pages/overview/checkName';
import { systemStatus } from '@/pages/overview/status';

function health(status: HealthStatus, checks: Record<string, HealthStatus>): Health {
  const entries = Object.entries(checks).map(([name, one]) => [name, { status: one }]);
  return { status, checks: Object.fromEntries(entries), timestamp: '' } as Health;
}

describe('systemStatus', () => {
  it('names what is affected, the worst first', () => {
    const state = systemStatus(
      health('unhealthy', { a: 'degraded', b: 'healthy', c: 'unhealthy', d: 'unknown' }),
      0,
      0,
    );
    expect(state).toEqual({ status: 'unhealthy', lastKnown: null, affected: ['c', 'a', 'd'], checks: 4 });
  });

  it('does not call a system healthy on old news', () => {
    const state = systemStatus(health('healthy', { a: 'healthy' }), 0, 600_000);
    expect(state.status).toBe('unknown');
    expect(state.lastKnown).toBe('healthy');
  });
});

describe('details and labels', () => {
  it('says the reason where there is one', () => {
    expect(checkDetail({ latency: 3, error: 'refused', percent: 3 }, 'en-GB')).toBe('refused');
  });

  it('says the sentence rather than the word', () => {
    expect(checkDetail({ reason: 'status', error: 'the status is 502' }, 'en-GB')).toBe('the status is 502');
    expect(checkDetail({ reason: 'timeout' }, 'en-GB')).toBe('timeout');
  });

  it('tells the kind of a check from its target', () => {
    expect(checkParts('http:portal')).toEqual({ kind: 'http', target: 'portal' });
    expect(checkParts('disk_space')).toEqual({ kind: 'disk_space', target: null });
  });

  it('says how full, of what', () => {
    const details = { used: '399.3GB', total: '480.0GB', percent: 83.19, mountpoint: '/' };
    expect(checkDetail(details, 'en-GB')).toBe('83.2% · 399.3GB / 480.0GB · /');
    expect(checkDetail({ percent: 12 }, 'id-ID')).toBe('12,0%');
  });

  it('says its first figures, and nothing where there are none', () => {
    const details = { connected: true, brokers: 3, brokers_answering: 2, topics: 13, partitions_without_leader: 0 };
    expect(checkDetail(details, 'en-GB')).toBe('brokers 3 · brokers answering 2 · topics 13');
    expect(checkDetail({ message: '', connected: true, nested: {} }, 'en-GB')).toBeNull();
    expect(checkDetail(null, 'en-GB')).toBeNull();
  });

  it('leaves out what the row says elsewhere', () => {
    expect(shownLabels({ alertname: 'x', severity: 'info', type: 'business', empty: '' })).toEqual([
      ['type', 'business'],
    ]);
  });
});

describe('series', () => {
  it('turns columns into a series, without what is no time or goes back', () => {
    const times = ['1970-01-01T00:00:10Z', 'never', '1970-01-01T00:00:20Z', '1970-01-01T00:00:20Z'];
    expect(toSeries(times, [1, 2, null, 4])).toEqual({ times: [10, 20], values: [1, null] });
  });

  it('summarizes what is known, and nothing where there is nothing', () => {
    expect(summarize([null, 3, 9, 4, null])).toEqual({ latest: 4, max: 9 });
    expect(summarize([null, null])).toBeNull();
  });

  it('finds points that a line would not show', () => {
    expect(isolatedIndices([1, null, 2, 3, null, 4], 0)).toEqual([0, 5]);
    expect(isolatedIndices([1, null, 2, null, null, 4], 1)).toEqual([5]);
    expect(isolatedIndices([null, null], 1)).toEqual([]);
  });

  it('steps over gaps and stays at the ends', () => {
    const values = [1, null, null, 2];
    expect(nextKnown(values, 0, 1)).toBe(3);
    expect(nextKnown(values, 3, 1)).toBe(3);
    expect(nextKnown(values, 4, -1)).toBe(3);
  });
});

describe('axes', () => {
  const hour = (day: number, at: number) => new Date(2026, 2, day, at).getTime() / 1000;

  it('names the day once, and again where it changes', () => {
    const labels = timeLabels([hour(1, 20), hour(1, 22), hour(2, 0), hour(2, 2)], 7200, 'en-GB');
    expect(labels).toEqual(['20:00\n1 Mar', '22:00', '00:00\n2 Mar', '02:00']);
  });

  it('shows no day within one, and seconds only for ticks that need them', () => {
    expect(timeLabels([hour(1, 8), hour(1, 9)], 3600, 'id-ID')).toEqual(['08.00', '09.00']);
    expect(timeLabels([hour(1, 8), hour(1, 8) + 30], 30, 'en-GB')).toEqual(['08:00:00', '08:00:30']);
  });

  it('is never flat', () => {
    expect(axisTop(null, 10)).toBe(10);
    expect(axisTop(0, 10)).toBe(10);
    expect(axisTop(100, 10)).toBeCloseTo(112);
  });
});
