import { useTranslation } from 'react-i18next';
import type { ExplainNode } from '@/api/types';
import { Notice } from '@/components/Notice';
import { formatShort, parseTime } from '@/format/time';
import { useLocale } from '@/i18n/useLocale';
import { serverNow } from '@/live/serverClock';

/** A selector that found nothing: where it looked, and what history knows of such series. */
export function MissingPart({ missing }: { missing: NonNullable<ExplainNode['missing']> }) {
  const { t } = useTranslation();
  const { locale } = useLocale();
  const short = (time: number) => formatShort(time, serverNow(), locale);
  const newest = parseTime(missing.newest_at);
  const sentences = [
    t('explain.tree.missing', { start: short(Date.parse(missing.start)), end: short(Date.parse(missing.end)) }),
    ...(missing.series === null ? [] : [t('explain.tree.missingSeries', { count: missing.series })]),
    ...(newest === null ? [] : [t('explain.tree.missingNewest', { time: short(newest) })]),
    ...(missing.ended ? [t('explain.tree.missingEnded')] : []),
    ...missing.recorded_by.map(({ group, record }) => t('explain.tree.recordedBy', { group, record })),
  ];
  return (
    <Notice tone="warn" testId="explain-missing">
      {sentences.join(' ')}
    </Notice>
  );
}
