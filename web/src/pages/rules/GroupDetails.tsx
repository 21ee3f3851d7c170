import { useTranslation } from 'react-i18next';
import type { RuleGroup } from '@/api/types';
import { Fact, Facts } from '@/components/Facts';
import { RelativeTime } from '@/components/RelativeTime';
import { formatCount } from '@/format/number';
import { formatDuration, parseTime } from '@/format/time';
import { useLocale } from '@/i18n/useLocale';
import classes from './GroupCard.module.css';

/** What there is to know of a group beside its rules. What is not set, or not known, is left out. */
export function GroupDetails({ group, now }: { group: RuleGroup; now: number }) {
  const { t } = useTranslation();
  const { locale } = useLocale();
  const { status } = group;
  const updated = parseTime(group.updated_at);
  return (
    <div className={classes.details}>
      <Facts>
        {updated !== null && (
          <Fact name={t('rules.changedBy')}>
            <RelativeTime
              time={updated}
              now={now}
              say={(time) => t('rules.changedByText', { time, who: group.updated_by })}
            />
          </Fact>
        )}
        {group.query_offset_seconds > 0 && (
          <Fact name={t('rules.queryOffset')}>{formatDuration(group.query_offset_seconds, locale, 'short')}</Fact>
        )}
        {group.limit > 0 && <Fact name={t('rules.limit')}>{formatCount(group.limit, locale)}</Fact>}
        {status.series !== null && <Fact name={t('rules.series')}>{formatCount(status.series, locale)}</Fact>}
        {status.reads.length > 0 && <Fact name={t('rules.reads')}>{status.reads.join(', ')}</Fact>}
        {status.late_samples !== null && status.late_samples > 0 && (
          <Fact name={t('rules.lateSamples')}>{formatCount(status.late_samples, locale)}</Fact>
        )}
        {status.unknown_instants !== null && status.unknown_instants > 0 && (
          <Fact name={t('rules.unknownInstants')} hint={t('rules.unknownInstantsHint')}>
            {formatCount(status.unknown_instants, locale)}
          </Fact>
        )}
        {status.worker !== null && <Fact name={t('rules.worker')}>{status.worker}</Fact>}
      </Facts>
    </div>
  );
}
