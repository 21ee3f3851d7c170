import { VisuallyHidden } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { AlertAnnouncer } from './AlertAnnouncer';
import { AlertsPanel } from './AlertsPanel';
import { BusinessPanel } from './BusinessPanel';
import { HealthPanel } from './HealthPanel';
import classes from './OverviewPage.module.css';
import { PerformancePanel } from './PerformancePanel';
import { StatusCard } from './StatusCard';
import { UsageRings } from './UsageRings';
import { useTitleWithAlerts } from './useTitleWithAlerts';

export function OverviewPage() {
  const { t } = useTranslation();
  useTitleWithAlerts();
  return (
    <div className={classes.page}>
      <VisuallyHidden>
        <h1>{t('page.overview')}</h1>
      </VisuallyHidden>
      <AlertAnnouncer />
      <div className={classes.summary}>
        <StatusCard />
        <UsageRings />
      </div>
      <HealthPanel />
      <PerformancePanel />
      <div className={classes.bottom}>
        <AlertsPanel />
        <BusinessPanel />
      </div>
    </div>
  );
}
