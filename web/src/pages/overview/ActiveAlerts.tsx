import { IconBell, IconBellRinging } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { alertsQuery } from '@/api/monitoring';
import classes from './ActiveAlerts.module.css';
import { ALERTS_ANCHOR } from './AlertsPanel';
import { activeAlerts } from './status';

/** How many alerts are firing and how bad the worst is; leads to the list, which may be below the fold. */
export function ActiveAlerts() {
  const { t } = useTranslation();
  const alerts = useQuery(alertsQuery).data?.alerts;
  if (alerts === undefined) return <span className={classes.line}>&nbsp;</span>;
  const active = activeAlerts(alerts);
  if (active.length === 0) {
    return (
      <span className={classes.line} data-testid="active-alerts">
        <IconBell size="1rem" aria-hidden />
        {t('alerts.summaryNone')}
      </span>
    );
  }
  const worst = (['critical', 'warning', 'info'] as const).find((severity) =>
    active.some((alert) => alert.severity === severity),
  );
  return (
    <a className={classes.line} href={`#${ALERTS_ANCHOR}`} data-testid="active-alerts" data-worst={worst}>
      <IconBellRinging size="1rem" aria-hidden />
      <span>
        {t('alerts.summary', { count: active.length })}
        {worst !== undefined && ` · ${t('alerts.worst', { severity: t(`alerts.severity.${worst}`) })}`}
      </span>
    </a>
  );
}
