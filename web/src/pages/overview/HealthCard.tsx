import { useTranslation } from 'react-i18next';
import type { HealthCheck } from '@/api/types';
import { HealthIcon } from '@/components/HealthIcon';
import { RelativeTime } from '@/components/RelativeTime';
import { StaleNote } from '@/components/StaleNote';
import { formatMilliseconds } from '@/format/number';
import { parseTime } from '@/format/time';
import { useLocale } from '@/i18n/useLocale';
import { checkDetail } from './checkDetail';
import classes from './HealthCard.module.css';
import { useCheckName } from './useCheckName';

/** The latest result of one check: its status in sign and word, how long it took, why where it is not well, and its age. */
export function HealthCard({ name, check, now }: { name: string; check: HealthCheck; now: number }) {
  const { t } = useTranslation();
  const { locale } = useLocale();
  const title = useCheckName()(name);
  const checkedAt = parseTime(check.checked_at);
  const detail = checkDetail(check.details, locale);
  return (
    <article className={classes.card} data-testid={`health-card-${name}`} data-status={check.status} aria-label={title}>
      <div className={classes.head}>
        <h3 className={classes.name}>{title}</h3>
        <StaleNote since={check.stale ? checkedAt : null} now={now} />
      </div>
      <div className={classes.status}>
        <HealthIcon status={check.status} size="1.25rem" />
        <span>{t(`status.${check.status}`)}</span>
        <span className={classes.time} title={t('health.responseTime')}>
          {check.response_time === null ? t('health.notMeasured') : formatMilliseconds(check.response_time, locale)}
        </span>
      </div>
      {detail !== null && (
        <p className={classes.detail} title={detail}>
          {detail}
        </p>
      )}
      <p className={classes.age}>
        {checkedAt === null ? (
          t('health.never')
        ) : (
          <RelativeTime time={checkedAt} now={now} say={(time) => t('health.checkedAt', { time })} />
        )}
      </p>
    </article>
  );
}
