import { describe, expect, it } from 'vitest';
import { initialLanguage } from '@/i18n/locale';
import { loginSearch } from '@/pages/login/loginSearch';
import { secondsLeft } from '@/pages/login/wait';

describe('the way back after signing in', () => {
  it.each(['/', '/?period=24h', '/alerts/3'])('keeps %s', (from) => expect(loginSearch({ from }).from).toBe(from));

  it.each([
    '//evil.example',
    '/\\evil.example',
    'https://evil.example',
    'javascript:alert(1)',
    '/login',
    '/login?from=/',
    7,
  ])('refuses %s', (from) => expect(loginSearch({ from })).toEqual({}));
});

describe('the wait after too many attempts', () => {
  it('counts down to zero and stays there', () => {
    expect(secondsLeft(20, 0, 0)).toBe(20);
    expect(secondsLeft(20, 0, 500)).toBe(20);
    expect(secondsLeft(20, 0, 19_500)).toBe(1);
    expect(secondsLeft(20, 0, 60_000)).toBe(0);
    expect(secondsLeft(null, 0, 0)).toBe(0);
  });
});

describe('the first language', () => {
  it.each([
    ['en', ['id-ID'], 'en'],
    [null, ['id-ID', 'en'], 'id'],
    [null, ['in'], 'id'],
    [null, ['en-US', 'id'], 'en'],
    [null, ['de-DE'], 'en'],
    [null, [], 'en'],
    ['xx', ['id'], 'id'],
  ])('remembered %s, browser %j: %s', (remembered, browser, language) => {
    expect(initialLanguage(remembered, browser)).toBe(language);
  });
});
