import { ActionIcon } from '@mantine/core';
import { IconRefresh } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { useCheckName } from './useCheckName';

/** The button that has a check run at once. */
export function CheckNow({ name, running, onRun }: { name: string; running: boolean; onRun: () => void }) {
  const { t } = useTranslation();
  const label = t('health.checkNow', { name: useCheckName()(name) });
  return (
    <ActionIcon
      variant="subtle"
      size="sm"
      loading={running}
      onClick={onRun}
      aria-label={label}
      title={label}
      data-testid={`check-now-${name}`}
    >
      <IconRefresh size="1rem" aria-hidden />
    </ActionIcon>
  );
}
