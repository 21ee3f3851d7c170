import { Button, Group, Modal, Stack, Text } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { ApiError } from '@/api/error';
import { applyRuleChange, type RuleChange, rulesQuery } from '@/api/rules';
import { Notice } from '@/components/Notice';
import { useErrorText } from '@/components/useErrorText';
import classes from './ChangeDialog.module.css';

type ChangeDialogProps = { change: RuleChange; onClose: () => void; onDone: (text: string) => void };

/** Asks before a rule group is changed, and tells if somebody else has changed it meanwhile. */
export function ChangeDialog({ change, onClose, onDone }: ChangeDialogProps) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const { kind, group } = change;
  const name = change.kind === 'promote' && change.rule !== null ? change.rule : group.name;
  const changing = useMutation({
    mutationFn: applyRuleChange,
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: rulesQuery.queryKey });
      onDone(t(`rules.done.${kind}`, { name }));
    },
  });
  const stale = changing.error instanceof ApiError && [409, 412].includes(changing.error.status ?? 0);
  const look = () => {
    void queries.invalidateQueries({ queryKey: rulesQuery.queryKey });
    onClose();
  };
  const active = (group.status.firing ?? 0) + (group.status.pending ?? 0);
  return (
    <Modal
      opened
      onClose={onClose}
      title={t(`rules.confirm.${kind}Title`, { name })}
      centered
      classNames={{ content: classes.content, header: classes.content, title: classes.title }}
      data-testid="change-dialog"
      closeButtonProps={{ 'aria-label': t('rules.confirm.cancel') }}
    >
      <Stack gap="md">
        <Text size="sm">
          {t(`rules.confirm.${kind}Text`)}
          {(kind === 'disable' || kind === 'delete') &&
            active > 0 &&
            ` ${t('rules.confirm.activeAlerts', { count: active })}`}
        </Text>
        {changing.isError && <Refused error={changing.error} stale={stale} version={group.version} />}
        <Group justify="flex-end" gap="sm">
          <Button variant="default" onClick={onClose}>
            {t('rules.confirm.cancel')}
          </Button>
          {stale ? (
            <Button onClick={look} data-testid="change-look">
              {t('rules.confirm.conflictShow')}
            </Button>
          ) : (
            <Button
              data-autofocus
              data-testid="change-confirm"
              loading={changing.isPending}
              {...(kind === 'delete' ? { color: 'red' } : {})}
              onClick={() => changing.mutate(change)}
            >
              {t(`rules.action.${kind}`)}
            </Button>
          )}
        </Group>
      </Stack>
    </Modal>
  );
}

function Refused({ error, stale, version }: { error: unknown; stale: boolean; version: number }) {
  const { t } = useTranslation();
  const { text, detail } = useErrorText(error);
  return (
    <Notice tone={stale ? 'warn' : 'bad'} role="alert" testId="change-refused">
      <strong>{stale ? t('rules.confirm.conflictTitle') : t('rules.confirm.failed')}</strong>
      <br />
      {stale ? t('rules.confirm.conflictText', { version }) : text}
      {detail !== null && (
        <Text size="xs" c="dimmed" mt={4}>
          {detail}
        </Text>
      )}
    </Notice>
  );
}
