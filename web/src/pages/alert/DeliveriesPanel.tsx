import { IconBellOff, IconCheck, IconHelp, IconSend, IconX } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import type { AlertDetail, Delivery } from '@/api/types';
import { Panel } from '@/components/Panel';
import { Tag, type Tone } from '@/components/Tag';
import { useMutingText } from '@/components/useMutingText';
import { formatMilliseconds } from '@/format/number';
import { formatAbsolute, formatDuration, formatShort, parseTime } from '@/format/time';
import { useLocale } from '@/i18n/useLocale';
import classes from './DeliveriesPanel.module.css';
import { StateWord } from './StateWord';

const LOOKS: Record<Delivery['state'], { tone: Tone; icon: typeof IconCheck }> = {
  planned: { tone: 'info', icon: IconSend },
  sent: { tone: 'ok', icon: IconCheck },
  failed: { tone: 'bad', icon: IconX },
  unknown: { tone: 'warn', icon: IconHelp },
};

const HELD = { tone: 'unknown', icon: IconBellOff } as const;

/** Who was told of which transition, by which way, and how each delivery stands. */
export function DeliveriesPanel({ detail, now }: { detail: AlertDetail; now: number }) {
  const { t } = useTranslation();
  const { locale } = useLocale();
  const tellMuting = useMutingText();
  const rows = detail.transitions.flatMap((one) =>
    latestSteps(one.deliveries).map((delivery) => ({ delivery, state: one.state, transition: one.transition })),
  );
  return (
    <Panel title={t('alertPages.sent.title')} testId="alert-deliveries">
      {rows.length === 0 && (
        <p className={classes.none}>
          {detail.alert.shadow ? t('alertPages.sent.noneShadow') : t('alertPages.sent.none')}
        </p>
      )}
      <ul className={classes.list}>
        {rows.map(({ delivery, state, transition }) => {
          const held = delivery.state === 'planned' && delivery.muted_by.length > 0;
          const look = held ? HELD : LOOKS[delivery.state];
          const at = Date.parse(held ? (delivery.muted_since ?? delivery.at) : delivery.at);
          const until = held ? parseTime(delivery.muted_until) : null;
          return (
            <li
              key={`${delivery.notification_id}/${transition}`}
              className={classes.delivery}
              data-state={held ? 'held' : delivery.state}
            >
              <span className={classes.receiver}>
                {delivery.receiver || t('muting.everybody')}{' '}
                <span className={classes.channel} title={delivery.destination}>
                  {[delivery.channel, personOf(delivery)].filter((part) => part !== '').join(' · ')}
                </span>
              </span>
              <StateWordCell state={state} />
              <Tag tone={look.tone} icon={look.icon}>
                {held ? t('muting.heldBack') : t(`alertPages.sent.states.${delivery.state}`)}
                {delivery.occasion !== 'change' && ` · ${t(`muting.occasion.${delivery.occasion}`)}`}
                {delivery.attempt > 1 && ` (${t('alertPages.sent.attempts', { attempt: delivery.attempt })})`}
              </Tag>
              <span className={classes.when}>
                <time dateTime={new Date(at).toISOString()} title={formatAbsolute(at, locale)}>
                  {formatShort(at, now, locale)}
                </time>
                {until !== null && (
                  <time dateTime={new Date(until).toISOString()} title={formatAbsolute(until, locale)}>
                    {' '}
                    {t('muting.heldUntil', { time: formatShort(until, now, locale) })}
                  </time>
                )}
                {delivery.latency_ms !== null && (
                  <span title={t('alertPages.sent.latencyHint')}>
                    {' · '}
                    {delivery.latency_ms < 60_000
                      ? formatMilliseconds(delivery.latency_ms, locale)
                      : formatDuration(delivery.latency_ms / 1000, locale, 'short')}
                  </span>
                )}
              </span>
              {held && (
                <span className={classes.held}>
                  {delivery.muted_by.map(tellMuting).join(', ')}
                  {delivery.untold.length > 0 && ` · ${t('muting.untold', { count: delivery.untold.length })}`}
                </span>
              )}
              {delivery.reason !== null && delivery.reason !== '' && (
                <span className={classes.reason}>{delivery.reason}</span>
              )}
            </li>
          );
        })}
      </ul>
    </Panel>
  );
}

function StateWordCell({ state }: { state: AlertDetail['transitions'][number]['state'] }) {
  return (
    <span>
      <StateWord state={state} />
    </span>
  );
}

/** The person that a destination names, if it names one: the fourth part of `receiver/channel/number/person`. */
function personOf({ receiver, destination }: Delivery): string {
  return destination.startsWith(`${receiver}/`)
    ? destination
        .slice(receiver.length + 1)
        .split('/')
        .slice(2)
        .join('/')
    : '';
}

/** Of each delivery the last word; the timeline has them all. */
function latestSteps(deliveries: readonly Delivery[]): Delivery[] {
  return [...new Map(deliveries.map((one) => [one.notification_id, one])).values()];
}
