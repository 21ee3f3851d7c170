import { SegmentedControl, VisuallyHidden } from '@mantine/core';
import { useNavigate } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { DEFAULT_PERIOD, isPeriod, PERIODS, type Period } from './period';
import { overviewRoute } from './route';

export function PeriodSwitch({ period }: { period: Period }) {
  const { t } = useTranslation();
  const navigate = useNavigate({ from: overviewRoute.fullPath });
  return (
    <SegmentedControl
      size="xs"
      aria-label={t('chart.period')}
      data-testid="period-switch"
      value={period}
      onChange={(value) => {
        if (!isPeriod(value)) return;
        void navigate({ search: value === DEFAULT_PERIOD ? {} : { period: value }, replace: true, resetScroll: false });
      }}
      data={PERIODS.map((value) => ({
        value,
        label: (
          <>
            <span aria-hidden="true">{t(`chart.periodShort.${value}`)}</span>
            <VisuallyHidden>{t(`chart.periodName.${value}`)}</VisuallyHidden>
          </>
        ),
      }))}
    />
  );
}
