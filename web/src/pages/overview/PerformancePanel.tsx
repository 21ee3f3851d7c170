import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { metricsQuery } from '@/api/monitoring';
import { Panel } from '@/components/Panel';
import { formatMilliseconds, formatNumber, formatPercent, MISSING } from '@/format/number';
import { useLocale } from '@/i18n/useLocale';
import { PerformanceChart } from './PerformanceChart';
import classes from './PerformancePanel.module.css';
import { PeriodSwitch } from './PeriodSwitch';
import { DEFAULT_PERIOD } from './period';
import { overviewRoute } from './route';

/** How fast the API answers, and how much it is asked. */
export function PerformancePanel() {
  const { t } = useTranslation();
  const { locale } = useLocale();
  const period = overviewRoute.useSearch().period ?? DEFAULT_PERIOD;
  const errors = useQuery(metricsQuery).data?.application.error_rate_percent;
  const rate = (value: number) => `${formatNumber(value, locale)}${t('chart.requestRateUnit')}`;
  return (
    <Panel title={t('chart.title')} aside={<PeriodSwitch period={period} />}>
      <div className={classes.charts}>
        <PerformanceChart
          metric="response_time"
          kind="line"
          title={t('chart.responseTime')}
          period={period}
          leastTop={10}
          format={(value) => formatMilliseconds(value, locale)}
          testId="chart-response-time"
        />
        <PerformanceChart
          metric="request_rate"
          kind="bars"
          title={t('chart.requestRate')}
          period={period}
          leastTop={4}
          format={rate}
          extra={{ name: t('chart.errors'), value: errors == null ? MISSING : formatPercent(errors, locale) }}
          testId="chart-request-rate"
        />
      </div>
    </Panel>
  );
}
