import {
  IconBellOff,
  IconCheck,
  IconClockPlay,
  IconDatabaseImport,
  IconGavel,
  IconHelp,
  IconRuler,
  IconSend,
  IconSpeakerphone,
  IconX,
} from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import type { AlertDetail, Moment, Transition } from '@/api/types';
import { Notice } from '@/components/Notice';
import { Panel } from '@/components/Panel';
import { useMutingText } from '@/components/useMutingText';
import { formatMilliseconds } from '@/format/number';
import { formatAbsolute, formatDuration, formatPrecise, parseTime } from '@/format/time';
import { useLocale } from '@/i18n/useLocale';
import { StateWord } from './StateWord';
import classes from './TimelinePanel.module.css';
import { type Step, stepsOf } from './timeline';

const SIGNS: Record<Moment['what'], typeof IconCheck> = {
  taken: IconRuler,
  accepted: IconDatabaseImport,
  instant: IconClockPlay,
  decided: IconGavel,
  told: IconSpeakerphone,
  planned: IconSend,
  sent: IconCheck,
  failed: IconX,
  unknown: IconHelp,
};

/** Each transition from the sample that decided to whom it was told, with how long every step took. */
export function TimelinePanel({ detail, now }: { detail: AlertDetail; now: number }) {
  const { t } = useTranslation();
  return (
    <Panel title={t('alertPages.timeline.title')} testId="alert-timeline">
      {detail.transitions.length === 0 && t('alertPages.timeline.empty')}
      <ol className={classes.transitions}>
        {detail.transitions.map((one) => (
          <TransitionSteps key={one.id} one={one} steps={stepsOf(detail.timeline, one.transition)} now={now} />
        ))}
      </ol>
    </Panel>
  );
}

function TransitionSteps({ one, steps, now }: { one: Transition; steps: readonly Step[]; now: number }) {
  const { t } = useTranslation();
  const { locale } = useLocale();
  const late = one.evidence.late_samples;
  return (
    <li className={classes.transition} data-testid={`transition-${one.state}`}>
      <h3 className={classes.head}>
        <StateWord state={one.state} />
      </h3>
      {(one.late_ms > 0 || late > 0) && (
        <div className={classes.notes}>
          {one.late_ms > 0 && (
            <Notice tone="warn" testId="late">
              {t('alertPages.timeline.late', { duration: formatDuration(one.late_ms / 1000, locale, 'short') })}
            </Notice>
          )}
          {late > 0 && <Notice tone="info">{t('alertPages.timeline.lateSamples', { count: late })}</Notice>}
        </div>
      )}
      <ol className={classes.steps}>
        {steps.map((step) => (
          <StepRow key={stepKey(step.moment)} step={step} now={now} />
        ))}
      </ol>
    </li>
  );
}

function stepKey({ what, receiver, channel, attempt, at, muted_by }: Moment): string {
  return [what, receiver, channel, attempt, at, ...muted_by].join('/');
}

function StepRow({ step: { moment, at, afterMs }, now }: { step: Step; now: number }) {
  const { t } = useTranslation();
  const { locale } = useLocale();
  const { what, receiver, attempt, reason } = moment;
  const tellMuting = useMutingText();
  const held = what === 'planned' && moment.muted_by.length > 0;
  const Sign = held ? IconBellOff : SIGNS[what];
  const until = parseTime(moment.muted_until);
  const own = what === 'taken' || what === 'accepted' || what === 'instant' || what === 'decided' || what === 'told';
  return (
    <li className={classes.step} data-what={what} title={own ? t(`alertPages.timeline.hint.${what}`) : undefined}>
      <span className={classes.sign}>
        <Sign size="0.8125rem" aria-hidden />
      </span>
      <span className={classes.what}>
        {t(`alertPages.timeline.what.${held ? 'heldBack' : what}`, {
          receiver: receiver || t('muting.everybody'),
        })}
        {until !== null && ` ${t('muting.heldUntil', { time: formatPrecise(until, now, locale) })}`}
        {attempt !== null && attempt > 1 && ` (${t('alertPages.timeline.attempt', { attempt })})`}
      </span>
      <span className={classes.after}>
        {afterMs !== null &&
          t('alertPages.timeline.after', {
            duration:
              afterMs < 60_000 ? formatMilliseconds(afterMs, locale) : formatDuration(afterMs / 1000, locale, 'short'),
          })}
      </span>
      <time className={classes.when} dateTime={moment.at} title={formatAbsolute(at, locale)}>
        {formatPrecise(at, now, locale)}
      </time>
      {held && <span className={classes.reason}>{moment.muted_by.map(tellMuting).join(', ')}</span>}
      {reason !== null && reason !== '' && <span className={classes.reason}>{reason}</span>}
    </li>
  );
}
