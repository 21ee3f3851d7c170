import { describe, expect, it } from 'vitest';
import { usageLevel } from '@/format/level';
import {
  formatBytes,
  formatBytesOf,
  formatMilliseconds,
  formatPercent,
  formatRupiah,
  formatValue,
  titleFromName,
} from '@/format/number';
import { formatDuration, formatRelative, formatShort, parseTime, toLocalInput } from '@/format/time';

/** Intl separates with several kinds of space. */
const plain = (text: string) => text.replace(/[\u00a0\u202f]/g, ' ');

describe('usageLevel', () => {
  it.each([
    [0, 'ok'],
    [60, 'ok'],
    [60.1, 'elevated'],
    [80, 'elevated'],
    [80.1, 'high'],
    [100, 'high'],
  ])('%d %% is %s', (percent, level) => expect(usageLevel(percent)).toBe(level));
});

describe('numbers', () => {
  it('writes percent in the locale', () => {
    expect(plain(formatPercent(67.26, 'en-GB'))).toBe('67.3%');
    expect(plain(formatPercent(67.26, 'id-ID'))).toBe('67,3%');
  });

  it.each([
    [0, '0 ms'],
    [0.04, '40 µs'],
    [0.25, '0.25 ms'],
    [12.44, '12.4 ms'],
    [999, '999 ms'],
    [1250, '1.25 s'],
    [65_000, '65 s'],
  ])('%d ms is %s', (value, text) => expect(formatMilliseconds(value, 'en-GB')).toBe(text));

  it('writes bytes in binary units, both sides of a pair in the same one', () => {
    expect(formatBytes(0, 'en-GB')).toBe('0 B');
    expect(formatBytes(1023, 'en-GB')).toBe('1,023 B');
    expect(formatBytes(1024, 'en-GB')).toBe('1 KiB');
    expect(formatBytesOf(512 * 1024 ** 2, 2 * 1024 ** 3, 'en-GB')).toEqual({ used: '0.5', total: '2 GiB' });
  });

  it('writes rupiah the Indonesian way, without cents', () => {
    expect(plain(formatRupiah(18_450_000))).toBe('Rp 18.450.000');
  });

  it('makes names readable', () => {
    expect(titleFromName('disk_space')).toBe('Disk Space');
    expect(titleFromName('router-1__core')).toBe('Router 1 Core');
  });
});

describe('times', () => {
  const now = Date.parse('2026-03-01T12:00:00Z');

  it.each([
    [2, 'now'],
    [45, '45 seconds ago'],
    [119, '1 minute ago'],
    [7199, '1 hour ago'],
    [2 * 86_400, '2 days ago'],
  ])('%d s before now is %s', (seconds, text) => {
    expect(formatRelative(now - seconds * 1000, now, 'en-GB')).toBe(text);
  });

  it.each([
    [0, '0 seconds'],
    [59.6, '1 minute'],
    [725, '12 minutes 5 seconds'],
    [3600, '1 hour'],
    [3 * 86_400 + 4 * 3600 + 59, '3 days 4 hours'],
    [86_400 + 59, '1 day'],
  ])('%d s last %s', (seconds, text) => expect(formatDuration(seconds, 'en-GB')).toBe(text));

  it('names the day only where it is another one', () => {
    expect(formatShort(now, now, 'en-GB')).not.toMatch(/Mar|Feb/);
    expect(formatShort(now - 2 * 86_400_000, now, 'en-GB')).toMatch(/Feb/);
  });

  it('knows what is no time', () => {
    expect(parseTime(null)).toBeNull();
    expect(parseTime('soon')).toBeNull();
    expect(parseTime('1970-01-01T00:00:01Z')).toBe(1000);
  });
});

describe('values of samples', () => {
  it('keep their digits where they are few, and are exact above a thousand', () => {
    expect(formatValue(83.2, 'en-GB')).toBe('83.2');
    expect(formatValue(0.000123456789, 'en-GB')).toBe('0.000123457');
    expect(formatValue(17_179_869_184, 'en-GB')).toBe('17,179,869,184');
    expect(formatValue(1234.5, 'id-ID')).toBe('1.234,5');
  });

  it('have names where they are no numbers', () => {
    expect(['NaN', 'Infinity', '-Infinity'].map((value) => formatValue(value, 'en-GB'))).toEqual([
      'NaN',
      '+Inf',
      '-Inf',
    ]);
  });
});

it('an instant goes into a field and comes back as the same second', () => {
  const time = new Date(2026, 2, 1, 9, 5, 7).getTime();
  expect(toLocalInput(time)).toBe('2026-03-01T09:05:07');
  expect(Date.parse(toLocalInput(time))).toBe(time);
});
