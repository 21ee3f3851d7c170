import { VisuallyHidden } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { useLive } from '@/live/LiveProvider';

/** Reads alerts out to screen readers as they come in, since nothing moves the focus to them. */
export function AlertAnnouncer() {
  const { t } = useTranslation();
  const { lastAlert } = useLive();
  let text = '';
  if (lastAlert?.status === 'firing') {
    text = t('alerts.announceFiring', {
      severity: t(`alerts.severity.${lastAlert.severity}`),
      name: lastAlert.name,
      message: lastAlert.message,
    });
  } else if (lastAlert?.status === 'resolved') {
    text = t('alerts.announceResolved', { name: lastAlert.name });
  }
  return (
    <VisuallyHidden>
      <div aria-live="polite">{text}</div>
    </VisuallyHidden>
  );
}
