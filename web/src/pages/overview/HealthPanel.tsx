import { Skeleton, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { healthQuery } from '@/api/monitoring';
import { ErrorNotice } from '@/components/ErrorNotice';
import { Panel } from '@/components/Panel';
import { StaleNote } from '@/components/StaleNote';
import { parseTime } from '@/format/time';
import { staleSince } from '@/live/freshness';
import { useNow } from '@/live/useNow';
import { HealthCard } from './HealthCard';
import classes from './HealthPanel.module.css';

/** One card per health check. */
export function HealthPanel() {
  const { t } = useTranslation();
  const health = useQuery(healthQuery);
  const now = useNow();
  const since = staleSince(parseTime(health.data?.timestamp), now);
  const checks = Object.entries(health.data?.checks ?? {});
  return (
    <Panel title={t('health.title')} note={<StaleNote since={since} now={now} />}>
      {health.data === undefined && health.isError ? (
        <ErrorNotice title={t('error.load.health')} error={health.error} onRetry={() => void health.refetch()} />
      ) : (
        <div className={classes.cards}>
          {health.data === undefined &&
            ['a', 'b', 'c', 'd'].map((key) => <Skeleton key={key} className={classes.loading} radius="md" />)}
          {checks.map(([name, check]) => (
            <HealthCard key={name} name={name} check={check} now={now} />
          ))}
          {health.data !== undefined && checks.length === 0 && (
            <div className={classes.empty}>
              <Text fw={500}>{t('health.empty')}</Text>
              <Text size="sm" c="dimmed">
                {t('health.emptyHint')}
              </Text>
            </div>
          )}
        </div>
      )}
    </Panel>
  );
}
