import { NativeSelect } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { formatDuration, formatMinute, parseTime } from '@/format/time';
import { useLocale } from '@/i18n/useLocale';

const HOUR = 3600;
export const DURATIONS = [
  HOUR / 2,
  HOUR,
  2 * HOUR,
  4 * HOUR,
  8 * HOUR,
  24 * HOUR,
  72 * HOUR,
  168 * HOUR,
  720 * HOUR,
] as const;

type DurationSelectProps = {
  /** Null: until the end that it has. */
  value: number | null;
  until: string | null;
  onChange: (seconds: number | null) => void;
};

/** How long something is to be muted from now on, or until the end that it has already. */
export function DurationSelect({ value, until, onChange }: DurationSelectProps) {
  const { t } = useTranslation();
  const { locale } = useLocale();
  const end = parseTime(until);
  const same =
    end === null
      ? []
      : [{ value: '', label: t('silences.form.until', { time: formatMinute(end, Date.now(), locale) }) }];
  return (
    <NativeSelect
      label={t('silences.form.duration')}
      value={value === null ? '' : String(value)}
      onChange={(event) => onChange(event.currentTarget.value === '' ? null : Number(event.currentTarget.value))}
      data={[...same, ...DURATIONS.map((one) => ({ value: String(one), label: formatDuration(one, locale) }))]}
      data-testid="silence-duration"
    />
  );
}
