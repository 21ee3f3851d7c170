import { formatAbsolute, formatRelative } from '@/format/time';
import { useLocale } from '@/i18n/useLocale';

/** "5 minutes ago", with the exact instant in its tooltip and for machines. Times are ms since the epoch. */
export function RelativeTime({ time, now }: { time: number; now: number }) {
  const { locale } = useLocale();
  return (
    <time dateTime={new Date(time).toISOString()} title={formatAbsolute(time, locale)}>
      {formatRelative(time, now, locale)}
    </time>
  );
}
