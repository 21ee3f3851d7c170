import { Button, Skeleton } from '@mantine/core';
import { IconAlertTriangle, IconCheck, IconClock, IconMailOff, IconMinus, IconSend } from '@tabler/icons-react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { receiversQuery, testReceiver } from '@/api/receivers';
import type { Destination, Receiver, TestOutcome } from '@/api/types';
import { Empty } from '@/components/Empty';
import { ErrorNotice } from '@/components/ErrorNotice';
import { Fact, Facts } from '@/components/Facts';
import { Notice } from '@/components/Notice';
import { Page } from '@/components/Page';
import { PageHead } from '@/components/PageHead';
import { Panel } from '@/components/Panel';
import { RelativeTime } from '@/components/RelativeTime';
import { Tag, type Tone } from '@/components/Tag';
import { useErrorText } from '@/components/useErrorText';
import { useMayChange } from '@/components/useMayChange';
import { formatMilliseconds, formatNumber } from '@/format/number';
import { useLocale } from '@/i18n/useLocale';
import { useNow } from '@/live/useNow';
import classes from './ReceiversPage.module.css';

/** Who is told, whether it arrives, and a test message to find out. */
export function ReceiversPage() {
  const { t } = useTranslation();
  const { data, error, isError, refetch } = useQuery(receiversQuery);
  const mayChange = useMayChange();
  const now = useNow();
  return (
    <Page testId="receivers-page">
      <PageHead title={t('receivers.title')} note={t('receivers.note')} />
      {data === undefined && isError && (
        <ErrorNotice title={t('receivers.loadFailed')} error={error} onRetry={() => void refetch()} />
      )}
      {data === undefined && !isError && <Skeleton h="12rem" />}
      {data !== undefined && !data.complete && <Notice tone="info">{t('receivers.reading')}</Notice>}
      {data?.receivers.length === 0 && <Empty icon={IconMailOff} title={t('receivers.empty')} text="" />}
      {data?.receivers.map((one) => (
        <ReceiverPanel key={one.name} receiver={one} mayChange={mayChange} now={now} />
      ))}
    </Page>
  );
}

function ReceiverPanel({ receiver, mayChange, now }: { receiver: Receiver; mayChange: boolean; now: number }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const testing = useMutation({
    mutationFn: () => testReceiver(receiver.name),
    onSettled: () => queries.invalidateQueries({ queryKey: receiversQuery.queryKey }),
  });
  return (
    <Panel
      title={receiver.name}
      testId={`receiver-${receiver.name}`}
      note={<span className={classes.channels}>{receiver.channels.join(', ') || t('receivers.nobody')}</span>}
      aside={
        mayChange &&
        receiver.configured && (
          <Button
            size="xs"
            variant="default"
            leftSection={<IconSend size="1rem" />}
            loading={testing.isPending}
            onClick={() => testing.mutate()}
            data-testid="receiver-test"
          >
            {t('receivers.test')}
          </Button>
        )
      }
    >
      <div className={classes.body}>
        {!receiver.configured && <Notice tone="warn">{t('receivers.gone')}</Notice>}
        {testing.data !== undefined && <Outcome outcome={testing.data} />}
        {testing.isError && <Refused error={testing.error} />}
        {receiver.destinations.length === 0 && <p className={classes.none}>{t('receivers.none')}</p>}
        <ul className={classes.list}>
          {receiver.destinations.map((one) => (
            <DestinationRow key={one.destination} one={one} now={now} />
          ))}
        </ul>
      </div>
    </Panel>
  );
}

function conditionOf(one: Destination): {
  key: 'failing' | 'waiting' | 'ok' | 'idle';
  tone: Tone;
  icon: typeof IconCheck;
} {
  if (one.failing) return { key: 'failing', tone: 'bad', icon: IconAlertTriangle };
  if (one.waiting > 0) return { key: 'waiting', tone: 'warn', icon: IconClock };
  if (one.last_sent !== null) return { key: 'ok', tone: 'ok', icon: IconCheck };
  return { key: 'idle', tone: 'unknown', icon: IconMinus };
}

function DestinationRow({ one, now }: { one: Destination; now: number }) {
  const { t } = useTranslation();
  const { locale } = useLocale();
  const look = conditionOf(one);
  const latency = (value: number | null) => (value === null ? '–' : formatMilliseconds(value, locale));
  return (
    <li className={classes.destination} data-condition={look.key}>
      <div className={classes.head}>
        <span className={classes.name}>{one.destination}</span>
        <Tag tone={look.tone} icon={look.icon}>
          {t(`receivers.condition.${look.key}`)}
        </Tag>
      </div>
      <Facts>
        <Fact name={t('receivers.lastSent')}>
          {one.last_sent === null ? '–' : <RelativeTime time={Date.parse(one.last_sent)} now={now} />}
        </Fact>
        <Fact name={t('receivers.sent')}>{formatNumber(one.sent, locale)}</Fact>
        <Fact name={t('receivers.failed')}>{formatNumber(one.failed, locale)}</Fact>
        <Fact name={t('receivers.muted')}>{formatNumber(one.muted, locale)}</Fact>
        <Fact name={t('receivers.waiting')}>{formatNumber(one.waiting, locale)}</Fact>
        <Fact name={t('receivers.latency')} hint={t('receivers.latencyHint')}>
          {latency(one.p50_ms)} / {latency(one.p95_ms)}
        </Fact>
      </Facts>
      {one.last_failure !== null && (
        <p className={classes.failure} data-now={one.failing}>
          {t('receivers.lastFailure')} <RelativeTime time={Date.parse(one.last_failure.at)} now={now} />
          {one.last_failure.reason !== null && `: ${one.last_failure.reason}`}
        </p>
      )}
    </li>
  );
}

function Outcome({ outcome }: { outcome: TestOutcome }) {
  const { t } = useTranslation();
  const { locale } = useLocale();
  const tone = outcome.state === 'sent' ? 'info' : outcome.state === 'failed' ? 'bad' : 'warn';
  return (
    <Notice tone={tone} role="status" testId="receiver-test-outcome">
      <strong>{t(`receivers.outcome.${outcome.state}`)}</strong>
      {outcome.latency_ms !== null && ` (${formatMilliseconds(outcome.latency_ms, locale)})`}
      {outcome.reason !== null && ` ${outcome.reason}`}
    </Notice>
  );
}

function Refused({ error }: { error: unknown }) {
  const { text, detail } = useErrorText(error);
  return (
    <Notice tone="bad" role="alert">
      {detail ?? text}
    </Notice>
  );
}
