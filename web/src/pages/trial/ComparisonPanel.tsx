import { Button } from '@mantine/core';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { BacktestSummary, FiringChange } from '@/api/types';
import { Labels } from '@/components/Labels';
import { Panel } from '@/components/Panel';
import { Tag, type Tone } from '@/components/Tag';
import { formatDuration, formatShort } from '@/format/time';
import { useLocale } from '@/i18n/useLocale';
import { serverNow } from '@/live/serverClock';
import classes from './OutcomeView.module.css';

type Comparison = NonNullable<BacktestSummary['comparison']>;

const COUNTS = ['new', 'gone', 'earlier', 'later', 'longer', 'shorter', 'merged', 'split', 'unchanged'] as const;
const TONES: Record<FiringChange['kind'], Tone> = {
  new: 'bad',
  gone: 'ok',
  merged: 'info',
  split: 'info',
  changed: 'warn',
  unchanged: 'unknown',
};
const STEP = 50;

/** What would be otherwise than with the rules in force: which firings are new, gone, earlier or later. */
export function ComparisonPanel({ comparison, changes }: { comparison: Comparison; changes: readonly FiringChange[] }) {
  const { t } = useTranslation();
  const [shown, setShown] = useState(STEP);
  const different = changes.filter(({ kind }) => kind !== 'unchanged');
  const { current_notifications: current, changed_notifications: changed } = comparison;
  return (
    <Panel title={t('trial.comparison.title')} testId="trial-comparison">
      <div className={classes.counts}>
        {COUNTS.filter((name) => comparison[name] > 0).map((name) => (
          <Tag key={name} testId={`compared-${name}`}>
            {comparison[name]} {t(`trial.comparison.counts.${name}`)}
          </Tag>
        ))}
      </div>
      <p className={classes.note}>
        {different.length === 0 && `${t('trial.comparison.same')} `}
        {t('trial.comparison.notifications', {
          before: current.firing + current.resolved,
          after: changed.firing + changed.resolved,
        })}
      </p>
      <ul className={classes.list}>
        {different.slice(0, shown).map((change, place) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: they come in order and stay in it.
          <Change key={place} change={change} />
        ))}
      </ul>
      {different.length > shown && (
        <Button variant="subtle" size="xs" onClick={() => setShown(shown + STEP)}>
          {t('trial.more', { count: Math.min(STEP, different.length - shown) })}
        </Button>
      )}
    </Panel>
  );
}

function Change({ change }: { change: FiringChange }) {
  const { t } = useTranslation();
  const { locale } = useLocale();
  const span = (times: { start: string; end?: string | null | undefined }) => {
    const short = (text: string) => formatShort(Date.parse(text), serverNow(), locale);
    return times.end == null
      ? t('trial.comparison.open', { start: short(times.start) })
      : t('trial.comparison.from', { start: short(times.start), end: short(times.end) });
  };
  const moved = (side: 'starts' | 'ends', by: number | null | undefined) => {
    if (by == null || by === 0) return null;
    const duration = formatDuration(Math.abs(by), locale, 'short');
    return <span>{t(`trial.comparison.${side}.${by < 0 ? 'earlier' : 'later'}`, { duration })}</span>;
  };
  return (
    <li className={classes.change} data-kind={change.kind}>
      <Tag tone={TONES[change.kind]}>{t(`trial.comparison.kind.${change.kind}`)}</Tag>
      <Labels labels={change.labels} />
      <span className={classes.spans}>
        {change.current != null && (
          <span>
            {t('trial.comparison.current')}: {span(change.current)}
          </span>
        )}
        {change.changed != null && (
          <span>
            {t('trial.comparison.changed')}: {span(change.changed)}
          </span>
        )}
        {moved('starts', change.starts_by_seconds)}
        {moved('ends', change.ends_by_seconds)}
      </span>
    </li>
  );
}
