import { formatNumber, formatPercent } from '@/format/number';

type Details = Readonly<Record<string, unknown>>;

const REASONS = ['error', 'message', 'detail', 'reason'] as const;
const MOST = 3;

/** One line from a check's details: why it is not well where it says so, else its most telling figures; null without any. */
export function checkDetail(details: Details | null | undefined, locale: string): string | null {
  if (details === null || details === undefined) return null;
  return reasonOf(details) ?? usageOf(details, locale) ?? figuresOf(details, locale);
}

function reasonOf(details: Details): string | null {
  for (const key of REASONS) {
    const text = details[key];
    if (typeof text === 'string' && text !== '') return text;
  }
  return null;
}

/** "83.2% · 399.3GB / 480.0GB · /", from the checks of things that fill up. */
function usageOf(details: Details, locale: string): string | null {
  const { percent, used, total, mountpoint } = details;
  if (typeof percent !== 'number') return null;
  const parts = [formatPercent(percent, locale)];
  if (isPlain(used) && isPlain(total)) parts.push(`${used} / ${total}`);
  if (isPlain(mountpoint)) parts.push(String(mountpoint));
  return parts.join(' · ');
}

/** "brokers 1 · topics 13". What is only true or false is said by the status. */
function figuresOf(details: Details, locale: string): string | null {
  const parts = Object.entries(details)
    .filter(([, value]) => isPlain(value))
    .slice(0, MOST)
    .map(
      ([key, value]) =>
        `${key.replaceAll('_', ' ')} ${typeof value === 'number' ? formatNumber(value, locale) : value}`,
    );
  return parts.length === 0 ? null : parts.join(' · ');
}

function isPlain(value: unknown): value is string | number {
  return (typeof value === 'string' && value !== '') || typeof value === 'number';
}
