import { formatAbsolute, formatRelative } from '@/format/time';
import { useLocale } from '@/i18n/useLocale';

type RelativeTimeProps = {
  time: number;
  now: number;
  /** Puts words around it: "Checked 5 minutes ago". */
  say?: (text: string) => string;
};

/** "5 minutes ago", with the exact instant in its tooltip and for machines. Times are ms since the epoch. */
export function RelativeTime({ time, now, say = (text) => text }: RelativeTimeProps) {
  const { locale } = useLocale();
  return (
    <time dateTime={new Date(time).toISOString()} title={formatAbsolute(time, locale)}>
      {say(formatRelative(time, now, locale))}
    </time>
  );
}
