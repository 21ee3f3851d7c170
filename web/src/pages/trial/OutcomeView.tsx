import { IconMoodCheck } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import type { BacktestFailure, BacktestSummary } from '@/api/types';
import { Empty } from '@/components/Empty';
import { Fact, Facts } from '@/components/Facts';
import { Notice } from '@/components/Notice';
import { Panel } from '@/components/Panel';
import { formatCount } from '@/format/number';
import { formatAbsolute, formatDuration, formatShort, parseTime } from '@/format/time';
import { useLocale } from '@/i18n/useLocale';
import { serverNow } from '@/live/serverClock';
import { ComparisonPanel } from './ComparisonPanel';
import { NotificationList, TransitionList } from './OutcomeLists';
import classes from './OutcomeView.module.css';
import type { Outcome } from './outcome';

/** What the run has told: figures and comparison at its end, transitions and notifications as they come. */
export function OutcomeView({ outcome }: { outcome: Outcome }) {
  const { t } = useTranslation();
  const { summary, transitions, notifications, failures, changes } = outcome;
  return (
    <>
      {summary !== null && <SummaryPanel summary={summary} />}
      {failures.length > 0 && <Failures failures={failures} />}
      {summary?.comparison != null && <ComparisonPanel comparison={summary.comparison} changes={changes} />}
      {summary !== null && transitions.length === 0 && (
        <Empty
          icon={IconMoodCheck}
          color="var(--ok-mark)"
          title={t('trial.summary.quiet')}
          text={t('trial.summary.quietText')}
        />
      )}
      {transitions.length > 0 && (
        <div className={classes.columns}>
          <Panel title={`${t('trial.transitions.title')} (${transitions.length})`} testId="trial-transitions">
            <TransitionList transitions={transitions} />
          </Panel>
          <Panel title={`${t('trial.notifications.title')} (${notifications.length})`} testId="trial-notifications">
            <NotificationList notifications={notifications} />
          </Panel>
        </div>
      )}
    </>
  );
}

function SummaryPanel({ summary }: { summary: BacktestSummary }) {
  const { t } = useTranslation();
  const { locale } = useLocale();
  const { notifications, transitions } = summary;
  const until = parseTime(summary.history_until);
  const count = (value: number) => formatCount(value, locale);
  return (
    <Panel title={t('trial.summary.title')} testId="trial-summary">
      <Facts size="large">
        <Fact name={t('trial.summary.fired')} testId="trial-fired">
          {count(transitions.firing ?? 0)}
        </Fact>
        <Fact name={t('trial.summary.resolved')}>{count(transitions.resolved ?? 0)}</Fact>
        <Fact name={t('trial.summary.notifications')} testId="trial-sent">
          {count(notifications.firing + notifications.resolved)}
        </Fact>
        <Fact name={t('trial.summary.range')}>
          {formatDuration((Date.parse(summary.end) - Date.parse(summary.start)) / 1000, locale, 'short')}
        </Fact>
        <Fact name={t('trial.summary.evaluations')}>{count(summary.evaluations)}</Fact>
        {summary.unknown_instants > 0 && (
          <Fact name={t('trial.summary.unknown')} hint={t('trial.summary.unknownHint')}>
            {count(summary.unknown_instants)}
          </Fact>
        )}
        <Fact name={t('trial.summary.read')}>
          {t('trial.summary.readText', { series: count(summary.series), samples: count(summary.samples) })}
        </Fact>
        <Fact name={t('trial.summary.took')}>
          {new Intl.NumberFormat(locale, { maximumFractionDigits: 2 }).format(summary.seconds)} s
        </Fact>
      </Facts>
      <div className={classes.notices}>
        {notifications.deferred > 0 && (
          <Notice tone="info">{t('trial.summary.deferred', { count: notifications.deferred })}</Notice>
        )}
        {!summary.complete && (
          <Notice tone="warn">
            {until === null
              ? t('trial.summary.incompleteUnknown')
              : t('trial.summary.incomplete', { time: formatAbsolute(until, locale) })}
          </Notice>
        )}
      </div>
    </Panel>
  );
}

function Failures({ failures }: { failures: readonly BacktestFailure[] }) {
  const { t } = useTranslation();
  const { locale } = useLocale();
  return (
    <Panel title={t('trial.failures.title')} testId="trial-failures">
      {failures.map((one) => (
        <Notice key={`${one.group} ${one.rule}`} tone="bad">
          {t('trial.failures.text', {
            rule: one.rule,
            count: one.count,
            time: formatShort(Date.parse(one.first_instant), serverNow(), locale),
            reason: one.reason,
          })}
        </Notice>
      ))}
    </Panel>
  );
}
