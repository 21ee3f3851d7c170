import { NativeSelect } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { formatDuration } from '@/format/time';
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

type DurationSelectProps = { value: number; onChange: (seconds: number) => void };

/** How long something is to be muted. */
export function DurationSelect({ value, onChange }: DurationSelectProps) {
  const { t } = useTranslation();
  const { locale } = useLocale();
  return (
    <NativeSelect
      label={t('silences.form.duration')}
      value={String(value)}
      onChange={(event) => onChange(Number(event.currentTarget.value))}
      data={DURATIONS.map((one) => ({ value: String(one), label: formatDuration(one, locale) }))}
      data-testid="silence-duration"
    />
  );
}
