import { describe, expect, it } from 'vitest';
import type { Silence } from '../src/api/types';
import { mutedBy } from '../src/format/muting';
import { inOrder, matchersOfRows, matcherText, windowsOf, windowText } from '../src/pages/silences/silence';

const zone = 'Asia/Jakarta';

describe('windows', () => {
  it('are one where they end on the same day', () => {
    expect(windowsOf(['monday'], '08:00', '17:00', zone)).toEqual([
      { weekdays: ['monday'], times: [{ start_time: '08:00', end_time: '17:00' }], location: zone },
    ]);
  });

  it('are two over midnight, the second on the next days', () => {
    expect(windowsOf(['friday', 'sunday'], '22:00', '05:00', zone)).toEqual([
      { weekdays: ['friday', 'sunday'], times: [{ start_time: '22:00', end_time: '24:00' }], location: zone },
      { weekdays: ['saturday', 'monday'], times: [{ start_time: '00:00', end_time: '05:00' }], location: zone },
    ]);
  });

  it('end with the day at midnight', () => {
    expect(windowsOf([], '22:00', '00:00', zone)).toEqual([
      { times: [{ start_time: '22:00', end_time: '24:00' }], location: zone },
    ]);
  });

  it('are told in a line', () => {
    const [window] = windowsOf(['monday'], '08:00', '17:00', zone);
    const told: Silence['windows'][number] = { ...window, weekdays: ['monday:friday'], location: zone };
    expect(windowText(told, (day) => day.slice(0, 3))).toBe('mon–fri 08:00–17:00 (Asia/Jakarta)');
  });
});

describe('matchers', () => {
  it('come from the rows that name a label', () => {
    const rows = [
      { id: 0, name: ' site ', operator: '=~' as const, value: 'jkt-.*' },
      { id: 1, name: '', operator: '=' as const, value: 'x' },
    ];
    expect(matchersOfRows(rows)).toEqual([{ name: 'site', operator: '=~', value: 'jkt-.*' }]);
  });

  it('are written as Alertmanager writes them', () => {
    expect(matcherText({ name: 'a', operator: '!=', value: 'with "quotes"' })).toBe('a!="with \\"quotes\\""');
  });
});

describe('the list', () => {
  const silence = (id: string, state: Silence['state'], ends_at: string) => ({ id, state, ends_at }) as Silence;

  it('has what holds first, by its end, and what is over last, the latest first', () => {
    const all = [
      silence('old', 'expired', '2026-11-01T00:00:00.000Z'),
      silence('later', 'active', '2026-11-24T00:00:00.000Z'),
      silence('soon', 'active', '2026-11-23T12:00:00.000Z'),
      silence('over', 'expired', '2026-11-22T00:00:00.000Z'),
      silence('next', 'pending', '2026-11-23T11:00:00.000Z'),
    ];
    expect(inOrder(all).map(({ id }) => id)).toEqual(['soon', 'later', 'next', 'over', 'old']);
  });
});

describe('what holds a notification back', () => {
  it.each([
    ['silence:5d3c', 'silence', '5d3c'],
    ['mute-time:weekends', 'muteTime', 'weekends'],
    ['quiet-hours', 'quietHours', ''],
    ['suspected:icmp:core', 'suspected', 'icmp:core'],
    ['constructor', 'other', 'constructor'],
    ['eclipse:moon', 'other', 'eclipse:moon'],
  ])('%s', (text, kind, subject) => {
    expect(mutedBy(text)).toEqual({ kind, subject });
  });
});
