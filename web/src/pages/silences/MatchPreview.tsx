import { useDebouncedValue } from '@mantine/hooks';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { previewQuery } from '@/api/silences';
import type { SilenceRequest } from '@/api/types';
import { Notice } from '@/components/Notice';
import { useErrorText } from '@/components/useErrorText';
import classes from './SilenceDialog.module.css';

const PREVIEW_MS = 400;

/** How many alerts the matchers match, now and in the last day. */
export function MatchPreview({ matchers }: { matchers: SilenceRequest['matchers'] }) {
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
