/** Numbers and quantities in the user's locale. Every function takes a BCP 47 locale tag and returns plain text. */

export const MISSING = '–';

const BYTE_UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const;

/** A number with two decimals below 10, one below 100, none from there on. */
export function formatNumber(value: number, locale: string): string {
  const magnitude = Math.abs(value);
  const maximumFractionDigits = magnitude >= 100 ? 0 : magnitude >= 10 ? 1 : 2;
  return new Intl.NumberFormat(locale, { maximumFractionDigits }).format(value);
}

/** `value` is 0..100; one decimal, so that a slowly moving reading is seen to move. */
export function formatPercent(value: number, locale: string, digits = 1): string {
  return new Intl.NumberFormat(locale, {
    style: 'percent',
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  }).format(value / 100);
}

/** Milliseconds as `840 µs`, `12.4 ms` or `1.25 s`, whichever reads best. */
export function formatMilliseconds(value: number, locale: string): string {
  if (value !== 0 && Math.abs(value) < 0.1) return `${formatNumber(value * 1000, locale)} µs`;
  if (Math.abs(value) < 1000) return `${formatNumber(value, locale)} ms`;
  const seconds = value / 1000;
  return `${new Intl.NumberFormat(locale, { maximumFractionDigits: 2 }).format(seconds)} s`;
}

/** Index of the largest binary unit that keeps `bytes` at or above 1. */
function byteUnit(bytes: number): number {
  if (bytes < 1) return 0;
  return Math.min(Math.floor(Math.log2(bytes) / 10), BYTE_UNITS.length - 1);
}

export function formatBytes(bytes: number, locale: string): string {
  const unit = byteUnit(bytes);
  return `${formatNumber(bytes / 1024 ** unit, locale)} ${BYTE_UNITS[unit]}`;
}

/** `used` and `total` in one unit, that of the total, as the two sides of "5.1 of 23.4 GiB". */
export function formatBytesOf(used: number, total: number, locale: string): { used: string; total: string } {
  const unit = byteUnit(total);
  const scale = 1024 ** unit;
  return {
    used: formatNumber(used / scale, locale),
    total: `${formatNumber(total / scale, locale)} ${BYTE_UNITS[unit]}`,
  };
}

/** Rupiah are always written the Indonesian way, whatever the language of the page. */
export function formatRupiah(amount: number): string {
  return new Intl.NumberFormat('id-ID', { style: 'currency', currency: 'IDR', maximumFractionDigits: 0 }).format(
    amount,
  );
}

/** Always two decimals, so that figures side by side keep their width. */
export function formatFixed(value: number, locale: string): string {
  return new Intl.NumberFormat(locale, { minimumFractionDigits: 2, maximumFractionDigits: 2 }).format(value);
}

export function formatCount(value: number, locale: string): string {
  return new Intl.NumberFormat(locale, { maximumFractionDigits: 0 }).format(value);
}

/** A check or metric name as a title, as the specification has it: `disk_space` becomes `Disk Space`. */
export function titleFromName(name: string): string {
  return name
    .split(/[_\s-]+/)
    .filter((word) => word !== '')
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join(' ');
}

/** A value of a sample: to the digit where that is short, six significant ones below a thousand, NaN and infinities by name. */
export function formatValue(value: number | string, locale: string): string {
  const number = Number(value);
  if (Number.isNaN(number)) return 'NaN';
  if (!Number.isFinite(number)) return number > 0 ? '+Inf' : '-Inf';
  const digits = Math.abs(number) >= 1000 ? { maximumFractionDigits: 2 } : { maximumSignificantDigits: 6 };
  return new Intl.NumberFormat(locale, digits).format(number);
}
