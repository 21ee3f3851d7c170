import { Alert, Button, Group, Text } from '@mantine/core';
import { IconPlugConnectedX } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { formatShort } from '@/format/time';
import { useLocale } from '@/i18n/useLocale';
import { connectionView } from '@/live/connection';
import { useLive } from '@/live/LiveProvider';
import { useNow } from '@/live/useNow';

/** Says above the page that nothing on it is moving any more, and since when. */
export function OfflineBanner() {
  const { t } = useTranslation();
  const { locale } = useLocale();
  const { connection, reconnect } = useLive();
  useNow();
  const now = Date.now();
  if (connectionView(connection, now) !== 'offline') return null;
  return (
    <Alert
      data-testid="offline-banner"
      mb="md"
      variant="default"
      icon={<IconPlugConnectedX color="var(--bad-mark)" />}
      styles={{ root: { borderColor: 'var(--bad-mark)', background: 'var(--bad-tint)' } }}
      title={t('connection.offlineTitle', { time: formatShort(connection.since, now, locale) })}
    >
      <Group justify="space-between" gap="sm">
        <Text size="sm">{t('connection.offlineText')}</Text>
        <Button size="xs" variant="default" onClick={reconnect}>
          {t('connection.retryNow')}
        </Button>
      </Group>
    </Alert>
  );
}
