import { Skeleton } from '@mantine/core';
import { IconHelpHexagon } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { explainQuery } from '@/api/explain';
import type { Explanation } from '@/api/types';
import { Empty } from '@/components/Empty';
import { ErrorNotice } from '@/components/ErrorNotice';
import { Page } from '@/components/Page';
import { PageHead } from '@/components/PageHead';
import { Panel } from '@/components/Panel';
import { AlertsThen } from './AlertsThen';
import { ExplainForm } from './ExplainForm';
import classes from './ExplainPage.module.css';
import type { ExplainSearch } from './explainSearch';
import { PartOf } from './PartOf';
import { explainRoute } from './route';
import { VerdictCard } from './VerdictCard';

/** Why a rule fired at an instant, or why it did not. */
export function ExplainPage() {
  const { t } = useTranslation();
  const search = explainRoute.useSearch();
  const navigate = useNavigate({ from: explainRoute.fullPath });
  const { rule } = search;
  const { data, error, isError, isFetching, refetch } = useQuery({
    ...explainQuery({ ...search, rule: rule ?? '' }),
    enabled: rule !== undefined,
  });
  const ask = (next: ExplainSearch) => {
    const same = JSON.stringify(sorted(next)) === JSON.stringify(sorted(search));
    if (same) void refetch();
    else void navigate({ search: next, resetScroll: false });
  };
  return (
    <Page testId="explain-page">
      <PageHead title={t('explain.title')} note={t('explain.intro')} />
      {/* A link from elsewhere on the page fills the form anew. */}
      <ExplainForm key={JSON.stringify(sorted(search))} search={search} busy={isFetching} onAsk={ask} />
      {rule === undefined && (
        <Empty icon={IconHelpHexagon} title={t('explain.nothing')} text={t('explain.nothingText')} />
      )}
      {rule !== undefined && isError && data === undefined && (
        <ErrorNotice title={t('error.load.explanation')} error={error} onRetry={() => void refetch()} />
      )}
      {rule !== undefined && data === undefined && !isError && <Skeleton h="16rem" aria-label={t('explain.asking')} />}
      {rule !== undefined && data !== undefined && <Answer explanation={data} onAgain={() => void refetch()} />}
    </Page>
  );
}

function sorted(search: ExplainSearch): [string, unknown][] {
  return Object.entries(search)
    .filter(([, value]) => value !== undefined)
    .sort(([a], [b]) => a.localeCompare(b));
}

function Answer({ explanation, onAgain }: { explanation: Explanation; onAgain: () => void }) {
  const { t } = useTranslation();
  return (
    <>
      <VerdictCard explanation={explanation} onAgain={onAgain} />
      <AlertsThen explanation={explanation} />
      <Panel title={t('explain.tree.title')} testId="explain-tree">
        <ul className={classes.tree}>
          <PartOf node={explanation.tree} depth={0} at={explanation.tree.at} />
        </ul>
      </Panel>
    </>
  );
}
