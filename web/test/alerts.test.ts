import { describe, expect, it } from 'vitest';
import type { Alert, AlertDetail, EvidenceSeries, Moment, Transition } from '@/api/types';
import { axisAround } from '@/charts/axis';
import { firstShown, samplesOf, spansOf, stepsOf, usualStep } from '@/pages/alert/timeline';
import { alertsSearch, filterOf, matching } from '@/pages/alerts/alertsSearch';

const at = (seconds: number) => new Date(seconds * 1000).toISOString();
const moment = (what: string, transition: number, seconds: number) =>
  ({ what, transition, at: at(seconds) }) as unknown as Moment;
const transition = (number: number, state: string, seconds: number) =>
  ({ transition: number, state, instant: at(seconds) }) as unknown as Transition;

describe('the list', () => {
  it('takes from the address what it knows, also where the router has read a truth value', () => {
    expect(alertsSearch({ status: 'active', severity: 'critical', shadow: true, q: 7 })).toEqual({
      status: 'active',
      severity: 'critical',
      shadow: 'true',
      q: '7',
    });
    expect(alertsSearch({ status: 'all', severity: 'bad', shadow: 'false', q: '' })).toEqual({});
  });

  it('asks for everything but shadow rules unless something else was chosen', () => {
    expect(filterOf({}, 100)).toEqual({ status: 'all', severity: null, shadow: 'false', limit: 100 });
  });

  it('finds each word somewhere', () => {
    const alerts = [
      { name: 'High', group: 'g', message: 'Disk full', labels: { host: 'web-1' } },
      { name: 'Low', group: 'g', message: '', labels: { host: 'web-2' } },
    ] as unknown as Alert[];
    expect(matching(alerts, 'disk host=web-1').map(({ name }) => name)).toEqual(['High']);
    expect(matching(alerts, 'web').length).toBe(2);
    expect(matching(alerts, 'disk web-2')).toEqual([]);
  });
});

describe('the way of a transition', () => {
  it('has its own steps only, each with the time since the one before', () => {
    const timeline = [moment('taken', 1, 10), moment('taken', 2, 11), moment('accepted', 1, 10.25), moment('x', 1, 12)];
    expect(stepsOf(timeline, 1).map(({ afterMs }) => afterMs)).toEqual([null, 250, 1750]);
  });

  it('is first shown of the transition that fired', () => {
    expect(firstShown([transition(1, 'pending', 1), transition(2, 'firing', 2), transition(3, 'resolved', 3)])).toBe(2);
    expect(firstShown([transition(1, 'pending', 1), transition(2, 'inactive', 2)])).toBe(2);
    expect(firstShown([])).toBeNull();
  });

  it('says when it began, fired and ended', () => {
    const alert = { status: 'resolved', created_at: at(20), resolved_at: at(50) } as Alert;
    const transitions = [transition(1, 'pending', 10), transition(2, 'firing', 20), transition(3, 'resolved', 50)];
    expect(spansOf({ alert, transitions } as AlertDetail)).toEqual({ began: 10_000, fired: 20_000, ended: 50_000 });
  });

  it('knows from the state alone when it fired', () => {
    const alert = { status: 'firing', created_at: at(20), resolved_at: null } as Alert;
    expect(spansOf({ alert, transitions: [] } as unknown as AlertDetail)).toEqual({
      began: null,
      fired: 20_000,
      ended: null,
    });
  });
});

describe('evidence as a picture', () => {
  it('has gaps where a sample is no number, and no time twice', () => {
    const samples = [
      { time: at(1), value: 5 },
      { time: at(1), value: 6 },
      { time: at(2), value: 'NaN' },
      { time: at(3), value: -1 },
    ];
    expect(samplesOf({ samples } as unknown as EvidenceSeries)).toEqual({
      times: [1, 2, 3],
      values: [5, null, -1],
      step: 1,
    });
  });

  it('has a gap where nothing came for much longer than usual', () => {
    const samples = [0, 10, 20, 120, 130].map((seconds) => ({ time: at(seconds), value: 1 }));
    const { times, values } = samplesOf({ samples } as unknown as EvidenceSeries);
    expect(times).toEqual([0, 10, 20, 70, 120, 130]);
    expect(values).toEqual([1, 1, 1, null, 1, 1]);
  });

  it('knows the usual time between samples', () => {
    expect(usualStep([0, 15, 30, 300])).toBe(15);
    expect(usualStep([5])).toBe(60);
  });

  it('shows how values differ, and never a flat axis', () => {
    const [low, high] = axisAround(99, 101);
    expect(low).toBeGreaterThan(90);
    expect(low).toBeLessThan(99);
    expect(high).toBeGreaterThan(101);
    expect(axisAround(0, 0)).toEqual([-1, 1]);
    expect(axisAround(-50, -50)).toEqual([-55, -45]);
  });
});
