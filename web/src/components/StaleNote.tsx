import { IconClockExclamation } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { formatAbsolute, formatShort } from '@/format/time';
import { useLocale } from '@/i18n/useLocale';
import classes from './StaleNote.module.css';

/** Marks data as old, with the time of the newest. Renders nothing while `since` is null. */
export function StaleNote({ since, now }: { since: number | null; now: number }) {
  const { t } = useTranslation();
  const { locale } = useLocale();
  if (since === null) return null;
  return (
    <span className={classes.note} data-testid="stale" title={t('stale.hint', { time: formatAbsolute(since, locale) })}>
      <IconClockExclamation size="0.9375rem" aria-hidden />
      {t('stale.since', { time: formatShort(since, now, locale) })}
    </span>
  );
}
