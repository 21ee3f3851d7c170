import { Skeleton } from '@mantine/core';
import { IconArrowLeft, IconBellOff } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { alertQuery } from '@/api/alerts';
import { ApiError } from '@/api/error';
import type { AlertDetail } from '@/api/types';
import { Empty } from '@/components/Empty';
import { ErrorNotice } from '@/components/ErrorNotice';
import { LinkButton } from '@/components/links';
import { Page } from '@/components/Page';
import { useNow } from '@/live/useNow';
import classes from './AlertPage.module.css';
import { AlertSummary } from './AlertSummary';
import { DeliveriesPanel } from './DeliveriesPanel';
import { EvidencePanel } from './EvidencePanel';
import { MutingPanel } from './MutingPanel';
import { RulePanel } from './RulePanel';
import { alertRoute } from './route';
import { TimelinePanel } from './TimelinePanel';

/** One episode of an alert: what it is about, why it came, how it went, and who was told. */
export function AlertPage() {
  const { t } = useTranslation();
  const { id } = alertRoute.useParams();
  const { data, error, isError, refetch } = useQuery(alertQuery(id));
  // An id that is none is refused; one that nobody knows is not found: to the reader it is the same.
  const gone = error instanceof ApiError && (error.kind === 'notFound' || error.status === 422);
  return (
    <Page testId="alert-page">
      <Link to="/alerts" className={classes.back}>
        <IconArrowLeft size="1rem" aria-hidden />
        {t('alertPages.back')}
      </Link>
      {data === undefined && gone && (
        <Empty
          icon={IconBellOff}
          title={t('page.notFound')}
          text={t('alertPages.gone')}
          action={
            <LinkButton to="/alerts" size="xs" mt="xs">
              {t('alertPages.back')}
            </LinkButton>
          }
        />
      )}
      {data === undefined && isError && !gone && (
        <ErrorNotice title={t('error.load.alert')} error={error} onRetry={() => void refetch()} />
      )}
      {data === undefined && !isError && <Skeleton h="24rem" />}
      {data !== undefined && <Found detail={data} />}
    </Page>
  );
}

function Found({ detail }: { detail: AlertDetail }) {
  const now = useNow();
  return (
    <>
      <AlertSummary detail={detail} now={now} />
      <div className={classes.columns}>
        <div className={classes.column}>
          {detail.alert.status !== 'resolved' && !detail.alert.shadow && <MutingPanel detail={detail} now={now} />}
          <EvidencePanel transitions={detail.transitions} now={now} />
          <DeliveriesPanel detail={detail} now={now} />
          <RulePanel detail={detail} />
        </div>
        <div className={classes.column}>
          <TimelinePanel detail={detail} now={now} />
        </div>
      </div>
    </>
  );
}
