import { Button, Chip, Group, Modal, Stack, Text, TextInput } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { silenceAlert } from '@/api/silences';
import type { Alert } from '@/api/types';
import { Notice } from '@/components/Notice';
import { useErrorText } from '@/components/useErrorText';
import { DURATIONS, DurationSelect } from '../silences/DurationSelect';

/** Silences what has the same labels as an alert: why, for how long, and which labels. */
export function SilenceDialog({ alert, onClose }: { alert: Alert; onClose: () => void }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const names = Object.keys(alert.labels).sort();
  const [labels, setLabels] = useState(names);
  const [reason, setReason] = useState('');
  const [seconds, setSeconds] = useState<number>(DURATIONS[2]);
  const [missing, setMissing] = useState(false);
  const making = useMutation({
    mutationFn: () => silenceAlert(alert.id, reason.trim(), seconds, labels),
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: ['monitoring'] });
      onClose();
    },
  });
  const { text, detail } = useErrorText(making.error);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setMissing(reason.trim() === '');
    if (reason.trim() !== '') making.mutate();
  };
  return (
    <Modal
      opened
      onClose={onClose}
      title={t('muting.dialog', { name: alert.name })}
      centered
      data-testid="silence-dialog"
    >
      <form onSubmit={submit} noValidate>
        <Stack gap="md">
          <TextInput
            label={t('silences.form.reason')}
            required
            data-autofocus
            maxLength={1000}
            value={reason}
            onChange={(event) => {
              setReason(event.currentTarget.value);
              setMissing(false);
            }}
            error={missing && t('silences.form.reasonMissing')}
            data-testid="silence-reason"
          />
          <DurationSelect value={seconds} onChange={setSeconds} />
          <div>
            <Text size="sm" fw={500} mb={6}>
              {t('muting.labels')}
            </Text>
            <Chip.Group multiple value={labels} onChange={setLabels}>
              <Group gap="xs">
                {names.map((name) => (
                  <Chip key={name} value={name} size="xs">
                    {name}={alert.labels[name]}
                  </Chip>
                ))}
              </Group>
            </Chip.Group>
          </div>
          {making.isError && (
            <Notice tone="bad" role="alert">
              {detail ?? text}
            </Notice>
          )}
          <Group justify="flex-end" gap="sm">
            <Button variant="default" onClick={onClose}>
              {t('silences.form.cancel')}
            </Button>
            <Button
              type="submit"
              loading={making.isPending}
              disabled={labels.length === 0}
              data-testid="silence-create"
            >
              {t('silences.form.submit')}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
