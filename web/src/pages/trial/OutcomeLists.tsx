import { Button } from '@mantine/core';
import { type ReactNode, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { BacktestNotification, BacktestTransition } from '@/api/types';
import { Labels } from '@/components/Labels';
import { Tag } from '@/components/Tag';
import { SeverityTag, ShadowTag, StatusTag } from '@/components/tags';
import { formatValue } from '@/format/number';
import { formatAbsolute, formatShort } from '@/format/time';
import { useLocale } from '@/i18n/useLocale';
import { serverNow } from '@/live/serverClock';
import { StateWord } from '../alert/StateWord';
import classes from './OutcomeView.module.css';

const STEP = 100;

export function TransitionList({ transitions }: { transitions: readonly BacktestTransition[] }) {
  const { locale } = useLocale();
  return (
    <LongList
      length={transitions.length}
      row={(place) => {
        const one = transitions[place];
        if (one === undefined) return null;
        return (
          <li key={place} className={classes.row} data-state={one.state}>
            <When text={one.instant} />
            <StateWord state={one.state} />
            <span className={classes.what}>
              <span className={classes.name}>{one.rule}</span>
              {one.shadow && <ShadowTag />}
              <Labels labels={withoutName(one.labels)} />
            </span>
            <span className={classes.value}>{one.value == null ? '–' : formatValue(one.value, locale)}</span>
          </li>
        );
      }}
    />
  );
}

export function NotificationList({ notifications }: { notifications: readonly BacktestNotification[] }) {
  const { t } = useTranslation();
  return (
    <LongList
      length={notifications.length}
      row={(place) => {
        const one = notifications[place];
        if (one === undefined) return null;
        return (
          <li key={place} className={classes.row}>
            <When text={one.at} />
            <StatusTag status={one.kind} />
            <span className={classes.what}>
              <SeverityTag severity={one.severity} />
              <span className={classes.name}>{one.message === '' ? one.rule : one.message}</span>
              {one.deferred && (
                <Tag title={t('trial.notifications.deferredHint')}>{t('trial.notifications.deferred')}</Tag>
              )}
            </span>
          </li>
        );
      }}
    />
  );
}

/** A run may tell of tens of thousands: they are drawn as they are asked for. */
function LongList({ length, row }: { length: number; row: (place: number) => ReactNode }) {
  const { t } = useTranslation();
  const [shown, setShown] = useState(STEP);
  return (
    <>
      <ol className={classes.list}>{Array.from({ length: Math.min(shown, length) }, (_, place) => row(place))}</ol>
      {length > shown && (
        <Button variant="subtle" size="xs" onClick={() => setShown(shown + STEP)}>
          {t('trial.more', { count: Math.min(STEP, length - shown) })}
        </Button>
      )}
    </>
  );
}

function When({ text }: { text: string }) {
  const { locale } = useLocale();
  const time = Date.parse(text);
  return (
    <time className={classes.time} dateTime={text} title={formatAbsolute(time, locale)}>
      {formatShort(time, serverNow(), locale)}
    </time>
  );
}

/** The rule's name stands beside the labels. */
function withoutName(labels: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(labels).filter(([name]) => name !== 'alertname'));
}
