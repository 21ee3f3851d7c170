import { useTranslation } from 'react-i18next';
import type { HealthCheck } from '@/api/types';
import { HealthIcon } from '@/components/HealthIcon';
import { RelativeTime } from '@/components/RelativeTime';
import { StaleNote } from '@/components/StaleNote';
import { useErrorText } from '@/components/useErrorText';
import { useMayChange } from '@/components/useMayChange';
import { formatMilliseconds } from '@/format/number';
import { parseTime } from '@/format/time';
import { useLocale } from '@/i18n/useLocale';
import { CheckNow } from './CheckNow';
import { checkDetail } from './checkDetail';
import classes from './HealthCard.module.css';
import { useCheckName } from './useCheckName';
import { useRunCheck } from './useRunCheck';

/** The latest result of one check: its status in sign and word, how long it took, why where it is not well, and its age. */
export function HealthCard({ name, check, now }: { name: string; check: HealthCheck; now: number }) {
  const { t } = useTranslation();
  const { locale } = useLocale();
  const checkName = useCheckName();
  const title = checkName(name);
  const mayRun = useMayChange();
  const running = useRunCheck(name);
  const checkedAt = parseTime(check.checked_at);
  const detail = checkDetail(check.details, locale);
  return (
    <article className={classes.card} data-testid={`health-card-${name}`} data-status={check.status} aria-label={title}>
      <div className={classes.head}>
        <h3 className={classes.name}>{title}</h3>
        <StaleNote since={check.stale ? checkedAt : null} now={now} />
        {mayRun && <CheckNow name={name} running={running.isPending} onRun={() => running.mutate()} />}
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
      <Circumstances check={check} />
      {running.isError && <NotRun name={title} error={running.error} />}
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

/** What else there is to know: that a change is not told yet, and what is unhealthy that this depends on. */
function Circumstances({ check }: { check: HealthCheck }) {
  const { t } = useTranslation();
  const checkName = useCheckName();
  const parts = [
    check.found == null ? null : t('health.found', { status: t(`status.${check.found}`) }),
    check.unhealthy_parents.length === 0
      ? null
      : t('health.behind', { names: check.unhealthy_parents.map(checkName).join(', ') }),
  ].filter((part) => part !== null);
  if (parts.length === 0) return null;
  return (
    <p className={classes.detail} data-testid="health-circumstances">
      {parts.join(' · ')}
    </p>
  );
}

function NotRun({ name, error }: { name: string; error: unknown }) {
  const { t } = useTranslation();
  const { text, detail } = useErrorText(error);
  return (
    <p className={classes.detail} role="alert" title={detail ?? undefined} data-testid="check-failed">
      {t('health.checkFailed', { name })}: {text}
    </p>
  );
}
