import { useDocumentTitle } from '@mantine/hooks';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { alertsQuery } from '@/api/monitoring';
import { activeAlerts } from './status';

/** The tab's title counts what is firing, so that it is seen from another tab. */
export function useTitleWithAlerts(): void {
  const { t } = useTranslation();
  const alerts = useQuery(alertsQuery).data?.alerts;
  const count = alerts === undefined ? 0 : activeAlerts(alerts).length;
  useDocumentTitle(`${count > 0 ? `(${count}) ` : ''}${t('page.overview')} · ${t('app.name')}`);
}
