import { Button, Group, Stack, Text } from '@mantine/core';
import { IconAlertCircle, IconRefresh } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { useErrorText } from './useErrorText';

/** What failed, why as far as we know, and a button that tries again. */
export function ErrorNotice({ title, error, onRetry }: { title: string; error: unknown; onRetry: () => void }) {
  const { t } = useTranslation();
  const { text, detail } = useErrorText(error);
  return (
    <Group role="alert" gap="sm" align="flex-start" wrap="nowrap" py="xs">
      <IconAlertCircle size="1.25rem" color="var(--bad-mark)" aria-hidden style={{ flex: 'none', marginTop: 2 }} />
      <Stack gap={4} align="flex-start">
        <Text fw={600}>{title}</Text>
        <Text size="sm">{text}</Text>
        {detail !== null && (
          <Text size="xs" c="dimmed" style={{ overflowWrap: 'anywhere' }}>
            {detail}
          </Text>
        )}
        <Button mt={4} size="xs" variant="default" leftSection={<IconRefresh size="0.875rem" />} onClick={onRetry}>
          {t('action.retry')}
        </Button>
      </Stack>
    </Group>
  );
}
