import { Button } from '@mantine/core';
import {
  IconCircleCheckFilled,
  IconCircleXFilled,
  IconFlame,
  IconHelpCircle,
  IconHourglass,
  IconPlayerRecordFilled,
} from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import type { Explanation, Verdict } from '@/api/types';
import { Expression } from '@/components/Expression';
import { Fact, Facts } from '@/components/Facts';
import { Notice } from '@/components/Notice';
import type { Tone } from '@/components/Tag';
import { ShadowTag } from '@/components/tags';
import { formatAbsolute, formatDuration, formatShort, parseTime } from '@/format/time';
import { useLocale } from '@/i18n/useLocale';
import { serverNow } from '@/live/serverClock';
import { reasonText, reasonValues, verdictText } from './reason';
import classes from './VerdictCard.module.css';

const LOOKS: Record<Verdict['key'], { tone: Tone; icon: typeof IconFlame; color: string }> = {
  fires: { tone: 'bad', icon: IconFlame, color: 'var(--bad-mark)' },
  pending: { tone: 'warn', icon: IconHourglass, color: 'var(--warn-mark)' },
  kept_firing: { tone: 'warn', icon: IconFlame, color: 'var(--warn-mark)' },
  does_not_fire: { tone: 'ok', icon: IconCircleCheckFilled, color: 'var(--ok-mark)' },
  unknown: { tone: 'unknown', icon: IconHelpCircle, color: 'var(--unknown-mark)' },
  failed: { tone: 'bad', icon: IconCircleXFilled, color: 'var(--bad-mark)' },
  records: { tone: 'info', icon: IconPlayerRecordFilled, color: 'var(--info-mark)' },
  records_nothing: { tone: 'unknown', icon: IconPlayerRecordFilled, color: 'var(--unknown-mark)' },
};

/** The verdict in a sentence, what it comes down to, and how far what it rests on can be trusted. */
export function VerdictCard({ explanation, onAgain }: { explanation: Explanation; onAgain: () => void }) {
  const { t } = useTranslation();
  const { verdict, rule, known, history } = explanation;
  const { tone, icon: Sign, color } = LOOKS[verdict.key];
  return (
    <section className={classes.card} data-tone={tone} data-testid="verdict" data-key={verdict.key} aria-live="polite">
      <h2 className={classes.verdict}>
        <Sign size="1.375rem" color={color} aria-hidden />
        <VerdictSentence explanation={explanation} />
      </h2>
      {verdict.because.length > 0 && <Reasons verdict={verdict} />}
      {!history.complete && (
        <Notice tone="warn" testId="history-incomplete">
          {t('explain.incompleteText')}{' '}
          <Button size="compact-xs" variant="default" onClick={onAgain}>
            {t('explain.again')}
          </Button>
        </Notice>
      )}
      {!known && verdict.key !== 'unknown' && <Notice tone="warn">{t('explain.darkText')}</Notice>}
      {!rule.enabled && <Notice tone="warn">{t('explain.notEnabled')}</Notice>}
      {rule.changed && <Notice tone="info">{t('explain.changed')}</Notice>}
      <Expression expr={rule.expr} />
      <About explanation={explanation} />
      {rule.shadow && (
        <div>
          <ShadowTag />
        </div>
      )}
    </section>
  );
}

function VerdictSentence({ explanation }: { explanation: Explanation }) {
  const { t } = useTranslation();
  const { locale } = useLocale();
  const { values } = explanation.verdict;
  const time = (name: string) => {
    const at = parseTime(String(values[name] ?? ''));
    return at === null ? '' : formatShort(at, serverNow(), locale);
  };
  const count = Number(values.alerts ?? values.series ?? 0);
  return (
    <span data-testid="verdict-text">
      {t(`explain.verdict.${verdictText(explanation)}`, {
        count,
        since: time('since'),
        for: String(values.for ?? ''),
        firesAt: time('fires_at'),
        keep: String(values.keep_firing_for ?? ''),
        error: String(values.error ?? ''),
      })}
    </span>
  );
}

function Reasons({ verdict }: { verdict: Verdict }) {
  const { t } = useTranslation();
  const { locale } = useLocale();
  const now = serverNow();
  return (
    <div>
      <p className={classes.because}>{t('explain.because')}</p>
      <ul className={classes.reasons}>
        {verdict.because.map((reason) => (
          <li
            key={`${reason.key} ${reason.text}`}
            className={classes.reason}
            data-testid="reason"
            data-key={reason.key}
          >
            <code>{reason.expr}</code>
            {t(`explain.reason.${reasonText(reason)}`, {
              ...NO_VALUES,
              ...reasonValues(reason, (time) => formatShort(time, now, locale)),
            })}
          </li>
        ))}
      </ul>
    </div>
  );
}

// Each sentence takes some of these; i18next wants to see them all.
const NO_VALUES = {
  count: 0,
  start: '',
  end: '',
  newest: '',
  labels: '',
  left: '',
  op: '',
  right: '',
  apart: '',
  error: '',
};

function About({ explanation }: { explanation: Explanation }) {
  const { t } = useTranslation();
  const { locale } = useLocale();
  const { rule, known, history, instant, looked_at: looked } = explanation;
  const since = parseTime(rule.in_force_since);
  const absolute = (text: string) => formatAbsolute(Date.parse(text), locale);
  return (
    <Facts>
      <Fact name={t('explain.facts.instant')} hint={t('explain.facts.instantHint')} testId="explain-instant">
        {absolute(instant)}
      </Fact>
      {looked !== instant && <Fact name={t('explain.facts.looked')}>{absolute(looked)}</Fact>}
      <Fact name={t('explain.facts.group')}>{rule.group}</Fact>
      <Fact name={t('explain.facts.version')}>
        <Version rule={rule} />
        {rule.explained === 'then' &&
          since !== null &&
          `, ${t('explain.facts.since', { time: absolute(String(rule.in_force_since)) })}`}
      </Fact>
      {rule.for_seconds > 0 && (
        <Fact name={t('explain.facts.for')}>{formatDuration(rule.for_seconds, locale, 'short')}</Fact>
      )}
      <Fact name={t('explain.facts.history')} testId="explain-history">
        {history.complete ? t('explain.facts.complete') : t('explain.facts.incomplete')}
      </Fact>
      <Fact name={t('explain.facts.known')}>{known ? t('explain.facts.alive') : t('explain.facts.dark')}</Fact>
    </Facts>
  );
}

function Version({ rule }: { rule: Explanation['rule'] }) {
  const { t } = useTranslation();
  if (rule.explained === 'then' && rule.version_then !== null)
    return <>{t('explain.facts.versionThen', { version: rule.version_then })}</>;
  if (rule.version_then === null) return <>{t('explain.facts.versionUnknown')}</>;
  return <>{t('explain.facts.versionNow', { version: rule.version_now ?? '–' })}</>;
}
