import { ActionIcon, Button, Chip, Group, NativeSelect, Switch, TextInput } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { IconPlus, IconTrash } from '@tabler/icons-react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { createSilence, previewQuery, silencesKey } from '@/api/silences';
import type { SilenceRequest } from '@/api/types';
import { Notice } from '@/components/Notice';
import { Panel } from '@/components/Panel';
import { useErrorText } from '@/components/useErrorText';
import { DURATIONS, DurationSelect } from './DurationSelect';
import classes from './SilenceForm.module.css';
import { type MatcherRow, matchersOfRows, OPERATORS, WEEKDAYS, type Weekday, windowsOf } from './silence';

const PREVIEW_MS = 400;

/** A new silence: what it matches, shown as it is written; why, for how long, and at which times. */
export function SilenceForm({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const number = useRef(1);
  const [rows, setRows] = useState<MatcherRow[]>([{ id: 0, name: 'alertname', operator: '=', value: '' }]);
  const [reason, setReason] = useState('');
  const [seconds, setSeconds] = useState<number>(DURATIONS[2]);
  const [recurs, setRecurs] = useState(false);
  const [days, setDays] = useState<Weekday[]>([]);
  const [from, setFrom] = useState('22:00');
  const [to, setTo] = useState('05:00');
  const [missing, setMissing] = useState(false);
  const matchers = matchersOfRows(rows);
  const making = useMutation({
    mutationFn: (body: SilenceRequest) => createSilence(body),
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: silencesKey });
      onClose();
    },
  });
  const change = (id: number, part: Partial<MatcherRow>) =>
    setRows(rows.map((one) => (one.id === id ? { ...one, ...part } : one)));
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setMissing(reason.trim() === '');
    if (reason.trim() === '' || matchers.length === 0) return;
    const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
    const windows = recurs ? windowsOf(days, from, to, zone) : [];
    making.mutate({ matchers, reason: reason.trim(), duration_seconds: seconds, windows });
  };
  return (
    <Panel title={t('silences.make')} testId="silence-form">
      <form className={classes.form} onSubmit={submit} noValidate aria-label={t('silences.make')}>
        <fieldset className={classes.rows}>
          <legend>{t('silences.form.matchers')}</legend>
          {rows.map((row) => (
            <div key={row.id} className={classes.row}>
              <TextInput
                aria-label={t('silences.form.label')}
                placeholder={t('silences.form.label')}
                value={row.name}
                onChange={(event) => change(row.id, { name: event.currentTarget.value })}
                data-testid="matcher-name"
              />
              <NativeSelect
                aria-label={t('silences.form.operator')}
                value={row.operator}
                data={[...OPERATORS]}
                onChange={(event) => {
                  const chosen = OPERATORS.find((one) => one === event.currentTarget.value);
                  if (chosen !== undefined) change(row.id, { operator: chosen });
                }}
              />
              <TextInput
                aria-label={t('silences.form.value')}
                placeholder={t('silences.form.value')}
                value={row.value}
                onChange={(event) => change(row.id, { value: event.currentTarget.value })}
                data-testid="matcher-value"
              />
              <ActionIcon
                variant="subtle"
                color="gray"
                aria-label={t('silences.form.remove')}
                disabled={rows.length === 1}
                onClick={() => setRows(rows.filter(({ id }) => id !== row.id))}
              >
                <IconTrash size="1rem" />
              </ActionIcon>
            </div>
          ))}
          <Button
            variant="default"
            size="compact-sm"
            leftSection={<IconPlus size="0.875rem" />}
            onClick={() => setRows([...rows, { id: number.current++, name: '', operator: '=', value: '' }])}
          >
            {t('silences.form.add')}
          </Button>
        </fieldset>
        <Preview matchers={matchers} />
        <TextInput
          label={t('silences.form.reason')}
          required
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
        <Switch
          label={t('silences.form.recurs')}
          checked={recurs}
          onChange={(event) => setRecurs(event.currentTarget.checked)}
        />
        {recurs && (
          <div className={classes.windows}>
            <Chip.Group multiple value={days} onChange={(value) => setDays(value as Weekday[])}>
              <Group gap="xs">
                {WEEKDAYS.map((day) => (
                  <Chip key={day} value={day} size="xs">
                    {t(`silences.day.${day}`)}
                  </Chip>
                ))}
              </Group>
            </Chip.Group>
            <Group gap="sm">
              <TextInput
                type="time"
                label={t('silences.form.from')}
                value={from}
                onChange={(event) => setFrom(event.currentTarget.value)}
              />
              <TextInput
                type="time"
                label={t('silences.form.to')}
                value={to}
                onChange={(event) => setTo(event.currentTarget.value)}
              />
            </Group>
          </div>
        )}
        {making.isError && <Refused error={making.error} />}
        <Group justify="flex-end" gap="sm">
          <Button variant="default" onClick={onClose}>
            {t('silences.form.cancel')}
          </Button>
          <Button
            type="submit"
            loading={making.isPending}
            disabled={matchers.length === 0}
            data-testid="silence-create"
          >
            {t('silences.form.submit')}
          </Button>
        </Group>
      </form>
    </Panel>
  );
}

function Preview({ matchers }: { matchers: SilenceRequest['matchers'] }) {
  const { t } = useTranslation();
  const [asked] = useDebouncedValue(matchers, PREVIEW_MS);
  const { data, error, isError } = useQuery(previewQuery(asked));
  const shown = useErrorText(error);
  if (asked.length === 0) return null;
  if (isError) return <Notice tone="warn">{shown.detail ?? shown.text}</Notice>;
  if (data === undefined) return <p className={classes.preview}>…</p>;
  const names = [...new Set(data.alerts.map(({ name }) => name))].slice(0, 5);
  return (
    <p className={classes.preview} role="status" data-testid="silence-preview">
      <strong>{t('silences.form.matchesNow', { count: data.total })}</strong>
      {names.length > 0 && ` (${names.join(', ')}${data.total > names.length ? ', …' : ''})`}
      {' · '}
      {data.past_day === null
        ? t('silences.form.pastUnknown')
        : t('silences.form.matchedDay', { count: data.past_day.total })}
    </p>
  );
}

function Refused({ error }: { error: unknown }) {
  const { t } = useTranslation();
  const { text, detail } = useErrorText(error);
  return (
    <Notice tone="bad" role="alert" testId="silence-refused">
      <strong>{t('silences.form.failed')}</strong> {detail ?? text}
    </Notice>
  );
}
