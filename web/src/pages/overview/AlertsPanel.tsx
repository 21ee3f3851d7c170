import { Button, SegmentedControl, Skeleton } from '@mantine/core';
import { IconBellCheck, IconHistoryOff } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { ApiError } from '@/api/error';
import { alertsQuery } from '@/api/monitoring';
import type { ListedAlert } from '@/api/types';
import { AlertRow } from '@/components/AlertRow';
import { ErrorNotice } from '@/components/ErrorNotice';
import { Panel } from '@/components/Panel';
import { StaleNote } from '@/components/StaleNote';
import { useErrorText } from '@/components/useErrorText';
import { staleSince } from '@/live/freshness';
import { useNow } from '@/live/useNow';
import classes from './AlertsPanel.module.css';
import { activeAlerts } from './status';

type Filter = 'all' | 'active';

const SHOWN = 8;
export const ALERTS_ANCHOR = 'alerts';

/** The latest alerts, newest first, with those that are over among them. */
export function AlertsPanel() {
  const { t } = useTranslation();
  const { data, error, isError, dataUpdatedAt, refetch } = useQuery(alertsQuery);
  const [filter, setFilter] = useState<Filter>('all');
  const now = useNow();
  const active = activeAlerts(data?.alerts ?? []);
  const stale = isError && data !== undefined ? staleSince(dataUpdatedAt, Date.now()) : null;
  return (
    <Panel
      title={t('alerts.title')}
      testId="recent-alerts"
      id={ALERTS_ANCHOR}
      note={<StaleNote since={stale} now={now} />}
      aside={
        <SegmentedControl
          size="xs"
          aria-label={t('alerts.filter')}
          data-testid="alert-filter"
          value={filter}
          onChange={(value) => setFilter(value === 'active' ? 'active' : 'all')}
          data={[
            { value: 'all', label: t('alerts.all') },
            { value: 'active', label: `${t('alerts.active')}${data === undefined ? '' : ` (${active.length})`}` },
          ]}
        />
      }
    >
      {data === undefined && isError && (
        <ErrorNotice title={t('error.load.alerts')} error={error} onRetry={() => void refetch()} />
      )}
      {data === undefined && !isError && <Loading />}
      {data !== undefined && (
        <>
          <AlertList
            alerts={filter === 'active' ? active : data.alerts}
            filter={data.missing === null ? filter : 'active'}
            now={now}
          />
          {data.alerts.length > 0 && (
            <Button component={Link} to="/alerts" variant="subtle" size="xs" mt="xs" className={classes.more}>
              {t('alerts.showList')}
            </Button>
          )}
          {data.missing !== null && filter === 'all' && <MissingAlerts error={data.missing} />}
        </>
      )}
    </Panel>
  );
}

function AlertList({ alerts, filter, now }: { alerts: readonly ListedAlert[]; filter: Filter; now: number }) {
  const { t } = useTranslation();
  const [all, setAll] = useState(false);
  if (alerts.length === 0) return <NoAlerts filter={filter} />;
  return (
    <>
      <ul className={classes.list}>
        {(all ? alerts : alerts.slice(0, SHOWN)).map((alert) => (
          <AlertRow key={alert.id} alert={alert} now={now} />
        ))}
      </ul>
      {alerts.length > SHOWN && (
        <Button variant="subtle" size="xs" mt="xs" className={classes.more} onClick={() => setAll(!all)}>
          {all ? t('action.showFewer') : t('action.showAll', { count: alerts.length })}
        </Button>
      )}
    </>
  );
}

/** Says that the list is not complete, so that an empty one is not taken for a quiet past. */
function MissingAlerts({ error }: { error: ApiError }) {
  const { t } = useTranslation();
  const { text, detail } = useErrorText(error);
  return (
    <p className={classes.missing} role="status" data-testid="alerts-missing" title={detail ?? undefined}>
      <IconHistoryOff size="1rem" aria-hidden />
      {t('alerts.missing')} {text}
    </p>
  );
}

function NoAlerts({ filter }: { filter: Filter }) {
  const { t } = useTranslation();
  return (
    <div className={classes.empty}>
      <IconBellCheck size="1.75rem" stroke={1.5} color="var(--ok-mark)" aria-hidden />
      <strong>{filter === 'all' ? t('alerts.empty') : t('alerts.emptyActive')}</strong>
      <span>{filter === 'all' ? t('alerts.emptyText') : t('alerts.emptyActiveText')}</span>
    </div>
  );
}

function Loading() {
  return (
    <div className={classes.loading}>
      {['a', 'b', 'c'].map((key) => (
        <Skeleton key={key} h="3.5rem" />
      ))}
    </div>
  );
}
