import { Button, Skeleton } from '@mantine/core';
import { IconBellOff, IconPlus } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { silencesQuery } from '@/api/silences';
import type { Silence } from '@/api/types';
import { Empty } from '@/components/Empty';
import { ErrorNotice } from '@/components/ErrorNotice';
import { Page } from '@/components/Page';
import { PageHead } from '@/components/PageHead';
import { Panel } from '@/components/Panel';
import { StaleNote } from '@/components/StaleNote';
import { useMayChange } from '@/components/useMayChange';
import { staleSince } from '@/live/freshness';
import { useNow } from '@/live/useNow';
import { NewSilence } from './SilenceEditor';
import { SilenceItem } from './SilenceItem';
import classes from './SilencesPage.module.css';
import { inOrder } from './silence';

const MOST_OVER = 50;

/** What is muted now, from when to when, and what was. */
export function SilencesPage() {
  const { t } = useTranslation();
  const { data, error, isError, dataUpdatedAt, refetch } = useQuery(silencesQuery);
  const mayChange = useMayChange();
  const now = useNow();
  const [making, setMaking] = useState(false);
  const stale = isError && data !== undefined ? staleSince(dataUpdatedAt, Date.now()) : null;
  const current = (data ?? []).filter(({ state }) => state !== 'expired');
  return (
    <Page testId="silences-page">
      <PageHead
        title={t('silences.title')}
        note={data === undefined ? ' ' : t('silences.summary', { count: current.length })}
        aside={
          <>
            <StaleNote since={stale} now={now} />
            {mayChange && (
              <Button leftSection={<IconPlus size="1rem" />} onClick={() => setMaking(true)} data-testid="silence-new">
                {t('silences.make')}
              </Button>
            )}
          </>
        }
      />
      {making && <NewSilence onClose={() => setMaking(false)} />}
      {data === undefined && isError && (
        <ErrorNotice title={t('silences.loadFailed')} error={error} onRetry={() => void refetch()} />
      )}
      {data === undefined && !isError && <Skeleton h="12rem" />}
      {data !== undefined && current.length === 0 && (
        <Empty icon={IconBellOff} title={t('silences.empty')} text={t('silences.emptyText')} />
      )}
      {current.length > 0 && <List silences={current} mayChange={mayChange} now={now} />}
      {data !== undefined && <Over silences={data} now={now} />}
    </Page>
  );
}

type ListProps = { silences: readonly Silence[]; mayChange: boolean; now: number };

function List({ silences, mayChange, now }: ListProps) {
  return (
    <ul className={classes.list}>
      {inOrder(silences).map((one) => (
        <SilenceItem key={one.id} silence={one} mayChange={mayChange} now={now} />
      ))}
    </ul>
  );
}

function Over({ silences, now }: { silences: readonly Silence[]; now: number }) {
  const { t } = useTranslation();
  const over = inOrder(silences.filter(({ state }) => state === 'expired'));
  if (over.length === 0) return null;
  return (
    <Panel title={t('silences.over')} testId="silences-over">
      <List silences={over.slice(0, MOST_OVER)} mayChange={false} now={now} />
    </Panel>
  );
}
