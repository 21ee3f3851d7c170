import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import type { ListedAlert } from '@/api/types';
import { formatNumber } from '@/format/number';
import { formatDuration, formatShort, parseTime } from '@/format/time';
import { useLocale } from '@/i18n/useLocale';
import classes from './AlertRow.module.css';
import { MuteTags } from './MuteTags';
import { RelativeTime } from './RelativeTime';
import { SeverityIcon } from './SeverityIcon';
import { shownLabels } from './shownLabels';
import { ShadowTag, STATUS_ICONS } from './tags';

/** One episode of an alert: how bad, what, the value that set it off, since when, and whether it is over. Leads to its page. */
export function AlertRow({ alert, now }: { alert: ListedAlert; now: number }) {
  const { t } = useTranslation();
  const { locale } = useLocale();
  const began = parseTime(alert.created_at);
  const StatusIcon = STATUS_ICONS[alert.status];
  return (
    <li
      className={classes.row}
      data-testid={`alert-${alert.alert_id}`}
      data-episode={alert.id}
      data-status={alert.status}
      data-severity={alert.severity}
    >
      <SeverityIcon severity={alert.severity} dimmed={alert.status === 'resolved'} />
      <div className={classes.body}>
        <div className={classes.head}>
          <span className={classes.severity} data-severity={alert.severity}>
            {t(`alerts.severity.${alert.severity}`)}
          </span>
          <Link className={classes.name} to="/alerts/$id" params={{ id: alert.id }} data-testid="alert-link">
            {alert.name}
          </Link>
          {alert.shadow && <ShadowTag />}
        </div>
        <p className={classes.message}>{alert.message}</p>
        <MuteTags mutes={alert.muted_by} now={now} />
        <p className={classes.facts}>
          {alert.value !== null && (
            <span title={alert.expr}>{t('alerts.value', { value: formatNumber(alert.value, locale) })}</span>
          )}
          {shownLabels(alert.labels).map(([name, value]) => (
            <code key={name} className={classes.label}>
              {name}={value}
            </code>
          ))}
        </p>
      </div>
      <div className={classes.when}>
        <span className={classes.status} data-status={alert.status}>
          <StatusIcon size="0.9375rem" aria-hidden />
          {t(`alerts.status.${alert.status}`)}
        </span>
        {began !== null && <RelativeTime time={began} now={now} />}
        {began !== null && (
          <span className={classes.exact}>
            <Span began={began} ended={parseTime(alert.resolved_at)} now={now} locale={locale} />
          </span>
        )}
      </div>
    </li>
  );
}

type SpanProps = { began: number; ended: number | null; now: number; locale: string };

/** From when to when, in local time, and how long it lasted. */
function Span({ began, ended, now, locale }: SpanProps) {
  const { t } = useTranslation();
  if (ended === null) return <>{t('alerts.since', { time: formatShort(began, now, locale) })}</>;
  return (
    <>
      {formatShort(began, now, locale)} – {formatShort(ended, now, locale)} (
      {formatDuration((ended - began) / 1000, locale, 'short')})
    </>
  );
}
