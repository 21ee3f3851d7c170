import { Button, Group, Modal, TextInput } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, type ReactNode, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { ApiError } from '@/api/error';
import type { Silence, SilenceRequest } from '@/api/types';
import { Notice } from '@/components/Notice';
import { useErrorText } from '@/components/useErrorText';
import { DURATIONS, DurationSelect } from './DurationSelect';
import { MatchPreview } from './MatchPreview';
import classes from './SilenceDialog.module.css';
import { requestWindows, type Times, TimesFields } from './TimesFields';

type SilenceDialogProps = {
  title: string;
  matchers: SilenceRequest['matchers'];
  /** The fields with which the matchers are chosen. */
  children: ReactNode;
  /** The silence that is changed, as it was seen; absent: it is a new one. */
  seen?: Silence;
  save: (wanted: SilenceRequest) => Promise<unknown>;
  /** Shows what is there now, where somebody else has changed it meanwhile. */
  onReload?: () => void;
  onClose: () => void;
};

/** What is to be muted, with a look at what that matches; why, for how long, and at which times. */
export function SilenceDialog({ title, matchers, children, seen, save, onReload, onClose }: SilenceDialogProps) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const [reason, setReason] = useState(seen?.reason ?? '');
  const [seconds, setSeconds] = useState<number | null>(seen === undefined ? DURATIONS[2] : null);
  const [times, setTimes] = useState<Times>(seen?.windows.length ? { kind: 'kept', windows: seen.windows } : null);
  const [missing, setMissing] = useState(false);
  const saving = useMutation({
    mutationFn: save,
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: ['monitoring'] });
      onClose();
    },
  });
  const stale = onReload !== undefined && saving.error instanceof ApiError && saving.error.kind === 'conflict';
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setMissing(reason.trim() === '');
    if (reason.trim() === '' || matchers.length === 0) return;
    const starts = seen?.state === 'pending' ? { starts_at: seen.starts_at } : {};
    const ends = seconds === null ? { ends_at: seen?.ends_at ?? null } : { duration_seconds: seconds };
    saving.mutate({ matchers, reason: reason.trim(), windows: requestWindows(times), ...starts, ...ends });
  };
  return (
    <Modal
      opened
      onClose={onClose}
      title={title}
      centered
      size="lg"
      data-testid="silence-dialog"
      closeButtonProps={{ 'aria-label': t('silences.form.cancel') }}
    >
      <form className={classes.form} onSubmit={submit} noValidate aria-label={title}>
        {children}
        <MatchPreview matchers={matchers} />
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
        <DurationSelect value={seconds} until={seen?.ends_at ?? null} onChange={setSeconds} />
        <TimesFields value={times} onChange={setTimes} />
        {saving.isError && <Refused error={saving.error} isNew={seen === undefined} stale={stale} />}
        <Group justify="flex-end" gap="sm">
          <Button variant="default" onClick={onClose}>
            {t('silences.form.cancel')}
          </Button>
          {stale ? (
            <Button onClick={onReload} data-testid="silence-reload">
              {t('silences.form.reload')}
            </Button>
          ) : (
            <Button
              type="submit"
              loading={saving.isPending}
              disabled={matchers.length === 0}
              data-testid="silence-create"
            >
              {seen === undefined ? t('silences.form.submit') : t('silences.form.save')}
            </Button>
          )}
        </Group>
      </form>
    </Modal>
  );
}

function Refused({ error, isNew, stale }: { error: unknown; isNew: boolean; stale: boolean }) {
  const { t } = useTranslation();
  const { text, detail } = useErrorText(error);
  const what = isNew ? t('silences.form.failed') : t('silences.form.notChanged');
  return (
    <Notice tone={stale ? 'warn' : 'bad'} role="alert" testId="silence-refused">
      <strong>{what}</strong> {stale ? t('silences.form.meanwhile') : (detail ?? text)}
    </Notice>
  );
}
