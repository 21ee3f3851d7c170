import { Skeleton, UnstyledButton } from '@mantine/core';
import { IconChevronRight } from '@tabler/icons-react';
import { lazy, Suspense, useId, useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { EvidenceSample, EvidenceSeries } from '@/api/types';
import { Tag } from '@/components/Tag';
import { formatValue } from '@/format/number';
import { formatAbsolute, formatPrecise, parseTime } from '@/format/time';
import { useLocale } from '@/i18n/useLocale';
import classes from './EvidencePanel.module.css';
import { samplesOf } from './timeline';

const TimeChart = lazy(() => import('@/charts/TimeChart').then(({ TimeChart }) => ({ default: TimeChart })));

type SeriesEvidenceProps = {
  series: EvidenceSeries;
  topic: string;
  /** What the value was compared with, where it is one number. */
  threshold: number | null;
  initiallyOpen: boolean;
  now: number;
};

/** One series that decided: its latest samples as a picture and as a table, and where they came from. */
export function SeriesEvidence({ series, topic, threshold, initiallyOpen, now }: SeriesEvidenceProps) {
  const { t } = useTranslation();
  const { locale } = useLocale();
  const content = useId();
  const [open, setOpen] = useState(initiallyOpen);
  const latest = series.samples.at(-1);
  return (
    <li className={classes.series} data-testid="evidence-series">
      <UnstyledButton
        className={classes.toggle}
        aria-expanded={open}
        aria-controls={content}
        onClick={() => setOpen(!open)}
      >
        <IconChevronRight className={classes.chevron} size="0.9375rem" aria-hidden />
        <span className={classes.name}>{series.series}</span>
        {latest !== undefined && (
          <span className={classes.latest}>
            {t('alertPages.evidence.latest', { value: formatValue(latest.value, locale) })}
          </span>
        )}
      </UnstyledButton>
      <div id={content} hidden={!open} className={classes.body}>
        {open && (
          <>
            <Chart series={series} threshold={threshold} now={now} />
            <Origin series={series} topic={topic} threshold={threshold} now={now} />
            <details className={classes.table}>
              <summary>{t('alertPages.evidence.table')}</summary>
              <SampleTable samples={series.samples} now={now} />
            </details>
          </>
        )}
      </div>
    </li>
  );
}

function Chart({ series, threshold, now }: Pick<SeriesEvidenceProps, 'series' | 'threshold' | 'now'>) {
  const { t } = useTranslation();
  const { locale } = useLocale();
  const points = useMemo(() => samplesOf(series), [series]);
  const first = points.times[0];
  const last = points.times.at(-1);
  if (first === undefined || last === undefined) return null;
  const room = Math.max((last - first) * 0.04, points.step);
  return (
    <div className={classes.plot}>
      <Suspense fallback={<Skeleton h="100%" />}>
        <TimeChart
          kind="line"
          samples
          series={points}
          threshold={threshold}
          from={first - room}
          to={last + room}
          label={t('alertPages.evidence.chart', {
            series: series.series,
            count: series.samples.length,
            value: formatValue(series.samples.at(-1)?.value ?? Number.NaN, locale),
          })}
          locale={locale}
          leastTop={1}
          stepSeconds={points.step}
          axisValue={(value) => formatValue(value, locale)}
          pointText={(time, value) => ({
            time: formatPrecise(time * 1000, now, locale),
            value: value === null ? t('chart.noValue') : formatValue(value, locale),
          })}
        />
      </Suspense>
    </div>
  );
}

function Origin({ series, topic, threshold, now }: Omit<SeriesEvidenceProps, 'initiallyOpen'>) {
  const { t } = useTranslation();
  const { locale } = useLocale();
  const { samples, total_samples: total, partition, offset } = series;
  const accepted = parseTime(series.accepted_at);
  return (
    <p className={classes.facts}>
      <span>
        {samples.length < total
          ? t('alertPages.evidence.samplesOf', { shown: samples.length, total })
          : t('alertPages.evidence.samples', { count: total })}
      </span>
      {threshold !== null && (
        <span className={classes.threshold}>
          {t('alertPages.evidence.thresholdLine', { value: formatValue(threshold, locale) })}
        </span>
      )}
      {partition != null && offset != null && (
        <span title={t('alertPages.evidence.originHint')} data-testid="evidence-origin">
          {t('alertPages.evidence.origin', { topic, partition, offset })}
        </span>
      )}
      {accepted !== null && (
        <span title={formatAbsolute(accepted, locale)}>
          {t('alertPages.evidence.acceptedAt', { time: formatPrecise(accepted, now, locale) })}
        </span>
      )}
    </p>
  );
}

/** The newest first, as the eye looks for it. */
function SampleTable({ samples, now }: { samples: readonly EvidenceSample[]; now: number }) {
  const { t } = useTranslation();
  const { locale } = useLocale();
  return (
    <div className={classes.scroll}>
      <table data-testid="evidence-table">
        <thead>
          <tr>
            <th scope="col">{t('alertPages.evidence.time')}</th>
            <th scope="col">{t('alertPages.evidence.value')}</th>
          </tr>
        </thead>
        <tbody>
          {[...samples].reverse().map((sample) => (
            <tr key={sample.time}>
              <td>
                {formatPrecise(Date.parse(sample.time), now, locale)}{' '}
                {sample.late && (
                  <Tag tone="warn" title={t('alertPages.evidence.lateHint')}>
                    {t('alertPages.evidence.late')}
                  </Tag>
                )}
              </td>
              <td title={String(sample.value)}>{formatValue(sample.value, locale)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
