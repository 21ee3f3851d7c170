import { Chip, Group, Switch, Text, TextInput } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import type { Silence, SilenceRequest } from '@/api/types';
import classes from './SilenceDialog.module.css';
import { WEEKDAYS, type Weekday, windowsOf, windowText } from './silence';

/** At which times something is muted: those that a silence has already, or a daily stretch on some days; null: always. */
export type Times =
  | { kind: 'kept'; windows: Silence['windows'] }
  | { kind: 'chosen'; days: Weekday[]; from: string; to: string }
  | null;

const NIGHTS: Times = { kind: 'chosen', days: [], from: '22:00', to: '05:00' };

/** The windows as they are sent. */
export function requestWindows(times: Times): NonNullable<SilenceRequest['windows']> {
  if (times === null) return [];
  if (times.kind === 'kept') return times.windows;
  return windowsOf(times.days, times.from, times.to, Intl.DateTimeFormat().resolvedOptions().timeZone);
}

/** Whether it recurs, and when. */
export function TimesFields({ value, onChange }: { value: Times; onChange: (times: Times) => void }) {
  const { t } = useTranslation();
  return (
    <>
      <Switch
        label={t('silences.form.recurs')}
        checked={value !== null}
        onChange={(event) => onChange(event.currentTarget.checked ? NIGHTS : null)}
      />
      {value?.kind === 'kept' && (
        <Text size="sm" c="dimmed">
          {t('silences.form.sameTimes', {
            windows: value.windows.map((one) => windowText(one, (day) => t(`silences.day.${day}`))).join('; '),
          })}
        </Text>
      )}
      {value?.kind === 'chosen' && (
        <div className={classes.windows}>
          <Chip.Group multiple value={value.days} onChange={(days) => onChange({ ...value, days: days as Weekday[] })}>
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
              value={value.from}
              onChange={(event) => onChange({ ...value, from: event.currentTarget.value })}
            />
            <TextInput
              type="time"
              label={t('silences.form.to')}
              value={value.to}
              onChange={(event) => onChange({ ...value, to: event.currentTarget.value })}
            />
          </Group>
        </div>
      )}
    </>
  );
}
