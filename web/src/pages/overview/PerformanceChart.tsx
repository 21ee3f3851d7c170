import { Skeleton } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { lazy, Suspense, useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { type PerformanceMetric, performanceQuery } from '@/api/monitoring';
import { summarize, toSeries } from '@/charts/series';
import { ErrorNotice } from '@/components/ErrorNotice';
import { StaleNote } from '@/components/StaleNote';
import { formatShort } from '@/format/time';
import { useLocale } from '@/i18n/useLocale';
import { serverNow } from '@/live/serverClock';
import { useNow } from '@/live/useNow';
import classes from './PerformanceChart.module.css';
import { type Period, periodSeconds } from './period';

const TimeChart = lazy(() => import('@/charts/TimeChart').then(({ TimeChart }) => ({ default: TimeChart })));

type PerformanceChartProps = {
  metric: PerformanceMetric;
  kind: 'line' | 'bars';
  title: string;
  period: Period;
  /** What the value axis reaches at least. */
  leastTop: number;
  /** A value with its unit. */
  format: (value: number) => string;
  /** One more figure beside the latest and highest value. */
  extra?: { name: string; value: string };
  testId: string;
};

/** A chart of one of the API's own metrics over the chosen period, with its latest and highest value. */
export function PerformanceChart({
  metric,
  kind,
  title,
  period,
  leastTop,
  format,
  extra,
  testId,
}: PerformanceChartProps) {
  const { t } = useTranslation();
  const { locale } = useLocale();
  const { data, error, isError, isPlaceholderData, dataUpdatedAt, refetch } = useQuery(
    performanceQuery(metric, period),
  );
  const now = useNow(5000);
  const series = useMemo(() => toSeries(data?.timestamps ?? [], data?.values ?? []), [data]);
  const summary = useMemo(() => summarize(series.values), [series]);
  // The axis ends when the answer came, not when the newest point was: a gap at the end is part of the picture.
  const to = useMemo(() => (dataUpdatedAt === 0 ? 0 : serverNow() / 1000), [dataUpdatedAt]);
  const periodName = t(`chart.periodName.${period}`);
  const label =
    summary === null
      ? t('chart.accessibleEmpty', { title, period: periodName })
      : t('chart.accessible', { title, period: periodName, latest: format(summary.latest), max: format(summary.max) });

  return (
    <figure className={classes.figure} data-testid={testId} data-state={isError ? 'error' : data ? 'ready' : 'loading'}>
      <figcaption className={classes.head}>
        <h3 className={classes.title}>{title}</h3>
        <StaleNote since={isError && data !== undefined ? dataUpdatedAt : null} now={now} />
        <dl className={classes.facts}>
          <Fact name={t('chart.latest')} value={summary === null ? '–' : format(summary.latest)} />
          <Fact name={t('chart.max')} value={summary === null ? '–' : format(summary.max)} />
          {extra !== undefined && <Fact name={extra.name} value={extra.value} />}
        </dl>
      </figcaption>
      <div className={classes.plot} data-old={isPlaceholderData}>
        {data === undefined && isError && (
          <ErrorNotice title={t('error.load.chart')} error={error} onRetry={() => void refetch()} />
        )}
        {data === undefined && !isError && <Skeleton h="100%" />}
        {data !== undefined && (
          <Suspense fallback={<Skeleton h="100%" />}>
            <TimeChart
              kind={kind}
              series={series}
              from={to - periodSeconds(period)}
              to={to}
              label={label}
              locale={locale}
              leastTop={leastTop}
              stepSeconds={data.step_seconds}
              axisValue={(value) => (value === 0 ? '0' : format(value))}
              pointText={(time, value) => ({
                time: formatShort(time * 1000, serverNow(), locale),
                value: value === null ? t('chart.noValue') : format(value),
              })}
            />
            {summary === null && (
              <div className={classes.empty}>
                <span>{t('chart.empty')}</span>
              </div>
            )}
          </Suspense>
        )}
      </div>
    </figure>
  );
}

function Fact({ name, value }: { name: string; value: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}
