import { Paper, Skeleton, Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { healthQuery, metricsQuery } from '@/api/monitoring';
import { ErrorNotice } from '@/components/ErrorNotice';
import { HealthIcon } from '@/components/HealthIcon';
import { RelativeTime } from '@/components/RelativeTime';
import { formatCount } from '@/format/number';
import { formatDuration, formatRelative, parseTime } from '@/format/time';
import { useLocale } from '@/i18n/useLocale';
import { useNow } from '@/live/useNow';
import { ActiveAlerts } from './ActiveAlerts';
import classes from './StatusCard.module.css';
import { type SystemStatus, systemStatus } from './status';
import { useCheckName } from './useCheckName';

/** The one word that matters, why it is so, and which machine says it. */
export function StatusCard() {
  const { t } = useTranslation();
  const { locale } = useLocale();
  const health = useQuery(healthQuery);
  const system = useQuery(metricsQuery).data?.system ?? null;
  const now = useNow();

  if (health.data === undefined) {
    return (
      <Paper component="section" className={classes.card} data-testid="system-status" data-status="pending">
        {health.isError ? (
          <ErrorNotice title={t('error.load.health')} error={health.error} onRetry={() => void health.refetch()} />
        ) : (
          <Skeleton h="100%" mih="6rem" />
        )}
      </Paper>
    );
  }

  const time = parseTime(health.data.timestamp);
  const state = systemStatus(health.data, time, now);
  return (
    <Paper component="section" className={classes.card} data-testid="system-status" data-status={state.status}>
      <Title order={2} className={classes.label}>
        {t('status.title')}
      </Title>
      <div className={classes.word}>
        <HealthIcon status={state.status} size="2.25rem" />
        <span>{t(`status.${state.status}`)}</span>
      </div>
      <StatusReason state={state} time={time} now={now} />
      <ActiveAlerts />
      <dl className={classes.facts}>
        <Fact name={t('status.host')}>{system?.host ?? '–'}</Fact>
        <Fact name={t('status.uptime')}>
          {system?.uptime_seconds == null ? '–' : formatDuration(system.uptime_seconds, locale)}
        </Fact>
        <Fact name={t('status.processes')}>
          {system?.process_count == null ? '–' : formatCount(system.process_count, locale)}
        </Fact>
        <Fact name={t('status.checked')}>{time === null ? '–' : <RelativeTime time={time} now={now} />}</Fact>
      </dl>
    </Paper>
  );
}

function StatusReason({ state, time, now }: { state: SystemStatus; time: number | null; now: number }) {
  const { t } = useTranslation();
  const { locale } = useLocale();
  const checkName = useCheckName();
  let text: string = t('status.allHealthy', { count: state.checks });
  if (state.lastKnown !== null && time !== null) {
    text = t('status.lastKnown', { status: t(`status.${state.lastKnown}`), time: formatRelative(time, now, locale) });
  } else if (state.checks === 0) {
    text = t('status.noChecks');
  } else if (state.affected.length > 0) {
    text = t('status.affected', { names: state.affected.map(checkName).join(', ') });
  }
  return (
    <Text size="sm" className={classes.reason}>
      {text}
    </Text>
  );
}

function Fact({ name, children }: { name: string; children: React.ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
