import { IconHelpHexagon } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { mutingQuery } from '@/api/silences';
import type { AlertDetail } from '@/api/types';
import { Fact, Facts } from '@/components/Facts';
import { Labels } from '@/components/Labels';
import { LinkButton } from '@/components/links';
import { MuteTags } from '@/components/MuteTags';
import { Notice } from '@/components/Notice';
import { PageHead } from '@/components/PageHead';
import { SeverityTag, ShadowTag, StatusTag } from '@/components/tags';
import { formatValue } from '@/format/number';
import { formatAbsolute, formatDuration, formatShort } from '@/format/time';
import { useLocale } from '@/i18n/useLocale';
import { matchersOf } from '../explain/explainSearch';
import classes from './AlertSummary.module.css';
import { spansOf } from './timeline';

/** What the alert is about, since when, and how it stands. */
export function AlertSummary({ detail, now }: { detail: AlertDetail; now: number }) {
  const { t } = useTranslation();
  const { alert, rule, transitions } = detail;
  const isToBeTold = alert.status !== 'resolved' && !alert.shadow;
  const { data } = useQuery({ ...mutingQuery(alert.id), enabled: isToBeTold });
  const labels = matchersOf(alert.labels);
  const fired = transitions.find(({ state }) => state === 'firing') ?? transitions.at(-1);
  const about = { rule: rule.name, group: rule.group, ...(labels === undefined ? {} : { labels }) };
  return (
    <section
      className={classes.card}
      data-severity={alert.severity}
      data-status={alert.status}
      data-testid="alert-summary"
    >
      <div>
        <div className={classes.tags}>
          <SeverityTag severity={alert.severity} />
          <StatusTag status={alert.status} testId="alert-status" />
          {alert.shadow && <ShadowTag />}
        </div>
        <PageHead
          title={alert.name}
          aside={
            <>
              {fired !== undefined && (
                <LinkButton
                  to="/explain"
                  search={{ ...about, at: fired.instant }}
                  size="xs"
                  variant="default"
                  leftSection={<IconHelpHexagon size="1rem" />}
                  data-testid="alert-explain"
                >
                  {t('alertPages.why.explainAt')}
                </LinkButton>
              )}
              {alert.status === 'resolved' && (
                <LinkButton to="/explain" search={about} size="xs" variant="default">
                  {t('alertPages.why.explainNow')}
                </LinkButton>
              )}
            </>
          }
        />
      </div>
      <p className={classes.message}>{alert.message}</p>
      {isToBeTold && data !== undefined && <MuteTags mutes={data.muted_by} now={now} />}
      <Times detail={detail} now={now} />
      <Labels labels={alert.labels} testId="alert-labels" />
      {alert.shadow && <Notice tone="info">{t('alertPages.shadowNote')}</Notice>}
      {detail.source === 'bus' && (
        <Notice tone="warn" role="status">
          {transitions.length === 0 ? t('alertPages.note.state') : t('alertPages.note.bus')}
        </Notice>
      )}
    </section>
  );
}

function Times({ detail, now }: { detail: AlertDetail; now: number }) {
  const { t } = useTranslation();
  const { locale } = useLocale();
  const { alert, transitions } = detail;
  const { began, fired, ended } = spansOf(detail);
  const threshold = transitions.findLast((one) => one.threshold !== null)?.threshold ?? null;
  const start = fired ?? began;
  const time = (at: number) => (
    <time dateTime={new Date(at).toISOString()} title={formatAbsolute(at, locale)}>
      {formatShort(at, now, locale)}
    </time>
  );
  return (
    <Facts size="large">
      {alert.value !== null && (
        <Fact name={t('alertPages.facts.value')} testId="alert-value">
          {formatValue(alert.value, locale)}
        </Fact>
      )}
      {threshold !== null && <Fact name={t('alertPages.facts.threshold')}>{formatValue(threshold, locale)}</Fact>}
      {began !== null && began !== fired && <Fact name={t('alertPages.facts.began')}>{time(began)}</Fact>}
      {fired !== null && <Fact name={t('alertPages.facts.fired')}>{time(fired)}</Fact>}
      {ended !== null && <Fact name={t('alertPages.facts.ended')}>{time(ended)}</Fact>}
      {start !== null && (
        <Fact name={ended === null ? t('alertPages.facts.lasts') : t('alertPages.facts.lasted')}>
          {formatDuration(((ended ?? now) - start) / 1000, locale, 'short')}
        </Fact>
      )}
    </Facts>
  );
}
