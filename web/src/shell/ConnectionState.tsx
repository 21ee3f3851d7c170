import { Tooltip } from '@mantine/core';
import { IconAccessPoint, IconLoader2, IconPlugConnectedX, IconRefresh } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { formatShort } from '@/format/time';
import { useLocale } from '@/i18n/useLocale';
import { type ConnectionView, connectionView } from '@/live/connection';
import { useLive } from '@/live/LiveProvider';
import { useNow } from '@/live/useNow';
import classes from './ConnectionState.module.css';

const ICONS: Record<ConnectionView, typeof IconRefresh> = {
  connecting: IconLoader2,
  live: IconAccessPoint,
  reconnecting: IconRefresh,
  offline: IconPlugConnectedX,
};

/** Whether what is on the page is live, in a word and a sign; announced when it changes. */
export function ConnectionState() {
  const { t } = useTranslation();
  const { locale } = useLocale();
  const { connection } = useLive();
  useNow();
  const now = Date.now();
  const view = connectionView(connection, now);
  const Icon = ICONS[view];
  const text = t(`connection.${view}`, { time: formatShort(connection.since, now, locale) });
  return (
    <Tooltip label={view === 'live' ? t('connection.liveHint') : text} withArrow>
      <span role="status" className={classes.state} data-testid="connection-state" data-state={view}>
        <Icon size="1rem" aria-hidden className={view === 'reconnecting' ? classes.turning : undefined} />
        <span className={classes.text}>{text}</span>
      </span>
    </Tooltip>
  );
}
