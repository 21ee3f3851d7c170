import { Button, Skeleton, Text } from '@mantine/core';
import { IconBellCheck } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { alertListQuery } from '@/api/alerts';
import { AlertRow } from '@/components/AlertRow';
import { Empty } from '@/components/Empty';
import { ErrorNotice } from '@/components/ErrorNotice';
import { Page } from '@/components/Page';
import { PageHead } from '@/components/PageHead';
import { StaleNote } from '@/components/StaleNote';
import { staleSince } from '@/live/freshness';
import { useNow } from '@/live/useNow';
import { AlertFilters } from './AlertFilters';
import classes from './AlertsPage.module.css';
import { filterOf, matching } from './alertsSearch';
import { alertsRoute } from './route';

const STEP = 100;
const MOST = 1000;

/** Active and past alerts, the newest first. */
export function AlertsPage() {
  const { t } = useTranslation();
  const search = alertsRoute.useSearch();
  const [limit, setLimit] = useState(STEP);
  const { data, error, isError, isPlaceholderData, dataUpdatedAt, refetch } = useQuery(
    alertListQuery(filterOf(search, limit)),
  );
  const now = useNow();
  const found = matching(data ?? [], search.q ?? '');
  const all = data?.length ?? 0;
  const stale = isError && data !== undefined ? staleSince(dataUpdatedAt, Date.now()) : null;
  const count =
    found.length === all
      ? t('alertPages.count', { count: all })
      : t('alertPages.countOf', { shown: found.length, count: all });
  return (
    <Page testId="alerts-page">
      <PageHead
        title={t('alertPages.title')}
        note={data === undefined ? ' ' : count}
        aside={<StaleNote since={stale} now={now} />}
      />
      <AlertFilters />
      {isError && (data === undefined || isPlaceholderData) && (
        <ErrorNotice title={t('error.load.alerts')} error={error} onRetry={() => void refetch()} />
      )}
      {data === undefined && !isError && <Skeleton h="20rem" />}
      {data !== undefined && found.length > 0 && (
        <ul className={classes.list} data-old={isPlaceholderData} data-testid="alert-list">
          {found.map((alert) => (
            <AlertRow key={alert.id} alert={alert} now={now} />
          ))}
        </ul>
      )}
      {data !== undefined && found.length === 0 && (
        <Empty
          icon={IconBellCheck}
          color="var(--ok-mark)"
          title={t('alertPages.empty')}
          text={t('alertPages.emptyText')}
        />
      )}
      {all >= limit && limit < MOST && (
        <Button variant="default" className={classes.more} onClick={() => setLimit(Math.min(limit + 200, MOST))}>
          {t('alertPages.more')}
        </Button>
      )}
      {all >= MOST && (
        <Text size="sm" c="dimmed" ta="center">
          {t('alertPages.most', { count: MOST })}
        </Text>
      )}
    </Page>
  );
}
