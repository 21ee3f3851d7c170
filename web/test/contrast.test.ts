import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

// WCAG 2.2: relative luminance (https://www.w3.org/TR/WCAG22/#dfn-relative-luminance) and contrast ratio.
function luminance(hex: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
    const channel = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
    return channel <= 0.04045 ? channel / 12.92 : ((channel + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(a: string, b: string): number {
  const [light = 0, dark = 0] = [luminance(a), luminance(b)].sort((x, y) => y - x);
  return (light + 0.05) / (dark + 0.05);
}

function tokensOf(selector: string): Map<string, string> {
  const css = readFileSync(new URL('../src/styles/tokens.css', import.meta.url), 'utf8');
  const block = css.slice(css.indexOf(`${selector} {`)).split('}')[0] ?? '';
  return new Map(
    [...block.matchAll(/(--[\w-]+):\s*(#[0-9a-f]{6})/g)].map(([, name = '', value = '']) => [name, value]),
  );
}

const MEANINGS = ['ok', 'warn', 'bad', 'info', 'unknown'];

describe.each([
  ['light', ':root'],
  ['dark', ':root[data-mantine-color-scheme="dark"]'],
])('%s scheme', (_name, selector) => {
  const tokens = tokensOf(selector);
  const ratio = (a: string, b: string) => contrast(tokens.get(a) ?? '', tokens.get(b) ?? '');

  it.each(['--text', '--text-2'])('%s is readable on every background', (text) => {
    for (const background of ['--page', '--surface', '--surface-2', '--unknown-tint']) {
      expect(ratio(text, background), background).toBeGreaterThanOrEqual(4.5);
    }
  });

  it.each(MEANINGS)('%s text is readable on a surface and on its own tint', (meaning) => {
    for (const background of ['--surface', '--surface-2', `--${meaning}-tint`]) {
      expect(ratio(`--${meaning}`, background), background).toBeGreaterThanOrEqual(4.5);
    }
  });

  it.each([...MEANINGS.map((meaning) => `--${meaning}-mark`), '--chart-line', '--chart-bar'])(
    '%s is seen on a surface',
    (mark) => {
      expect(ratio(mark, '--surface')).toBeGreaterThanOrEqual(3);
    },
  );
});
