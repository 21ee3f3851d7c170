import { Chip, Group, Text } from '@mantine/core';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { createSilence } from '@/api/silences';
import type { Alert } from '@/api/types';
import { SilenceDialog } from '../silences/SilenceDialog';

/** A silence of what has the same labels as an alert, all of them or some. */
export function AlertSilence({ alert, onClose }: { alert: Alert; onClose: () => void }) {
  const { t } = useTranslation();
  const names = Object.keys(alert.labels).sort();
  const [chosen, setChosen] = useState(names);
  const matchers = chosen.map((name) => ({ name, operator: '=' as const, value: alert.labels[name] ?? '' }));
  return (
    <SilenceDialog
      title={t('muting.dialog', { name: alert.name })}
      matchers={matchers}
      save={createSilence}
      onClose={onClose}
    >
      <div>
        <Text size="sm" fw={500} mb={6}>
          {t('muting.labels')}
        </Text>
        <Chip.Group multiple value={chosen} onChange={setChosen}>
          <Group gap="xs">
            {names.map((name) => (
              <Chip key={name} value={name} size="xs">
                {name}={alert.labels[name]}
              </Chip>
            ))}
          </Group>
        </Chip.Group>
      </div>
    </SilenceDialog>
  );
}
