import { Skeleton } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { metricsQuery } from '@/api/monitoring';
import { ErrorNotice } from '@/components/ErrorNotice';
import { Missing } from '@/components/Missing';
import { Panel } from '@/components/Panel';
import { formatCount, formatRupiah } from '@/format/number';
import { useLocale } from '@/i18n/useLocale';
import classes from './BusinessPanel.module.css';

/** Who is online and what came in today. */
export function BusinessPanel() {
  const { t } = useTranslation();
  const { locale } = useLocale();
  const { data, error, isError, refetch } = useQuery(metricsQuery);

  if (data === undefined && isError) {
    return (
      <Panel title={t('business.title')}>
        <ErrorNotice title={t('error.load.metrics')} error={error} onRetry={() => void refetch()} />
      </Panel>
    );
  }
  const loading = data === undefined;
  const users = (count: number | null | undefined) =>
    count == null ? <Missing reason={t('business.noRouter')} /> : formatCount(count, locale);
  const revenue = data?.business.daily_revenue;
  return (
    <Panel title={t('business.title')}>
      <dl className={classes.figures}>
        <Figure testId="active-hotspot" name={t('business.hotspot')} loading={loading}>
          {users(data?.active_users.hotspot)}
        </Figure>
        <Figure testId="active-pppoe" name={t('business.pppoe')} loading={loading}>
          {users(data?.active_users.pppoe)}
        </Figure>
        <Figure testId="revenue-today" name={t('business.revenue')} loading={loading}>
          {revenue == null ? <Missing reason={t('business.noBilling')} /> : formatRupiah(revenue)}
        </Figure>
      </dl>
    </Panel>
  );
}

type FigureProps = { testId: string; name: string; loading: boolean; children: ReactNode };

function Figure({ testId, name, loading, children }: FigureProps) {
  return (
    <div className={classes.figure}>
      <dt>{name}</dt>
      <dd data-testid={testId}>{loading ? <Skeleton h="1.75rem" w="6rem" /> : children}</dd>
    </div>
  );
}
