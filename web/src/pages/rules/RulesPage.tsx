import { Button, Skeleton } from '@mantine/core';
import { IconFlask, IconListSearch, IconMoodEmpty } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { type RuleChange, rulesQuery } from '@/api/rules';
import type { RuleGroup } from '@/api/types';
import { Empty } from '@/components/Empty';
import { ErrorNotice } from '@/components/ErrorNotice';
import { LinkButton } from '@/components/links';
import { Page } from '@/components/Page';
import { PageHead } from '@/components/PageHead';
import { StaleNote } from '@/components/StaleNote';
import { useMayChange } from '@/components/useMayChange';
import { staleSince } from '@/live/freshness';
import { useNow } from '@/live/useNow';
import { ChangeDialog } from './ChangeDialog';
import { filterGroups } from './condition';
import { GroupCard } from './GroupCard';
import { RuleFilters } from './RuleFilters';
import classes from './RulesPage.module.css';
import { rulesRoute } from './route';

/** All rule groups in force, how the evaluation of each goes, and what operators may do to them. */
export function RulesPage() {
  const { t } = useTranslation();
  const { data, error, isError, dataUpdatedAt, refetch } = useQuery(rulesQuery);
  const mayChange = useMayChange();
  const now = useNow();
  const stale = isError && data !== undefined ? staleSince(dataUpdatedAt, Date.now()) : null;
  const rules = (data ?? []).reduce((count, group) => count + group.rules.length, 0);
  return (
    <Page testId="rules-page">
      <PageHead
        title={t('rules.title')}
        note={data === undefined ? ' ' : t('rules.summary', { count: data.length, rules })}
        aside={
          <>
            <StaleNote since={stale} now={now} />
            {mayChange && (
              <LinkButton to="/rules/try" leftSection={<IconFlask size="1rem" />} data-testid="to-try">
                {t('rules.tryRule')}
              </LinkButton>
            )}
          </>
        }
      />
      {data === undefined && isError && (
        <ErrorNotice title={t('error.load.rules')} error={error} onRetry={() => void refetch()} />
      )}
      {data === undefined && !isError && ['a', 'b', 'c', 'd'].map((key) => <Skeleton key={key} h="4.75rem" />)}
      {data !== undefined && <Groups groups={data} mayChange={mayChange} now={now} />}
    </Page>
  );
}

const PAGE = 60;

type GroupsProps = { groups: readonly RuleGroup[]; mayChange: boolean; now: number };

function Groups({ groups, mayChange, now }: GroupsProps) {
  const { t } = useTranslation();
  const { q = '', state = 'all' } = rulesRoute.useSearch();
  const [shown, setShown] = useState(PAGE);
  const [change, setChange] = useState<RuleChange | null>(null);
  const [done, setDone] = useState('');
  const found = filterGroups(groups, state, q);
  if (groups.length === 0) return <Empty icon={IconMoodEmpty} title={t('rules.empty')} text={t('rules.emptyText')} />;
  return (
    <>
      <RuleFilters groups={groups} />
      <p className={classes.done} role="status" data-testid="rule-change-done">
        {done}
      </p>
      {found.length === 0 && (
        <Empty
          icon={IconListSearch}
          title={t('rules.emptyFilter')}
          text={t('rules.emptyFilterText')}
          action={
            <LinkButton to="/rules" search={{}} size="xs" variant="default" mt="xs">
              {t('rules.showEverything')}
            </LinkButton>
          }
        />
      )}
      <div className={classes.groups}>
        {found.slice(0, shown).map((group) => (
          <GroupCard
            key={group.name}
            group={group}
            found={q !== '' && found.length <= 5}
            now={now}
            onChange={mayChange ? setChange : null}
          />
        ))}
      </div>
      {found.length > shown && (
        <Button variant="default" className={classes.more} onClick={() => setShown(shown + PAGE)}>
          {t('rules.more', { count: Math.min(PAGE, found.length - shown) })}
        </Button>
      )}
      {change !== null && (
        <ChangeDialog
          change={change}
          onClose={() => setChange(null)}
          onDone={(text) => {
            setDone(text);
            setChange(null);
          }}
        />
      )}
    </>
  );
}
