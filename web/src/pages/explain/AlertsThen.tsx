import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import type { Explanation } from '@/api/types';
import { Labels } from '@/components/Labels';
import { Panel } from '@/components/Panel';
import { ShadowTag, StatusTag } from '@/components/tags';
import { formatShort, parseTime } from '@/format/time';
import { useLocale } from '@/i18n/useLocale';
import { serverNow } from '@/live/serverClock';
import classes from './AlertsThen.module.css';

/** The alerts at the instant, twice: as history gives them, and as they were told live. */
export function AlertsThen({ explanation }: { explanation: Explanation }) {
  const { t } = useTranslation();
  const { locale } = useLocale();
  const { alerts, total_alerts, told, total_told, window_start, rule } = explanation;
  if (rule.kind === 'record') return null;
  const short = (time: number) => formatShort(time, serverNow(), locale);
  return (
    <Panel title={t('explain.alerts.title')} testId="explain-alerts">
      <div className={classes.columns}>
        <div>
          <h3 className={classes.title} title={t('explain.alerts.computedHint')}>
            {t('explain.alerts.computed')}
          </h3>
          <ul className={classes.list}>
            {alerts.map((one) => {
              const since = parseTime(one.since);
              return (
                <li key={JSON.stringify(one.labels)} className={classes.alert}>
                  <StatusTag status={one.state} />
                  <Labels labels={one.labels} />
                  <span className={classes.since}>
                    {since === null
                      ? t('explain.alerts.sinceBefore', { time: short(Date.parse(window_start)) })
                      : t('explain.alerts.since', { time: short(since) })}
                  </span>
                </li>
              );
            })}
          </ul>
          <Rest shown={alerts.length} total={total_alerts} />
        </div>
        <div>
          <h3 className={classes.title} title={t('explain.alerts.toldHint')}>
            {t('explain.alerts.told')}
          </h3>
          <ul className={classes.list}>
            {told.map((one) => (
              <li key={one.id} className={classes.alert}>
                <StatusTag status="firing" />
                {one.shadow && <ShadowTag />}
                <Labels labels={one.labels} />
                <span className={classes.since}>
                  <Link to="/alerts/$id" params={{ id: one.id }}>
                    {t('explain.alerts.since', { time: short(Date.parse(one.fired_at)) })}
                  </Link>
                </span>
              </li>
            ))}
          </ul>
          <Rest shown={told.length} total={total_told} />
        </div>
      </div>
    </Panel>
  );
}

function Rest({ shown, total }: { shown: number; total: number }) {
  const { t } = useTranslation();
  if (total === 0) return <span className={classes.none}>{t('explain.alerts.none')}</span>;
  if (shown >= total) return null;
  return <span className={classes.none}>{t('explain.alerts.more', { count: total - shown })}</span>;
}
