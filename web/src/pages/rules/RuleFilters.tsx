import { TextInput, UnstyledButton } from '@mantine/core';
import { IconAlertTriangle, IconSearch } from '@tabler/icons-react';
import { useNavigate } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import type { RuleGroup } from '@/api/types';
import { countByState, STATES } from './condition';
import classes from './RuleFilters.module.css';
import { rulesRoute } from './route';
import type { RulesSearch } from './rulesSearch';

/** Which groups are shown: by words, and by state, with how many there are in each. */
export function RuleFilters({ groups }: { groups: readonly RuleGroup[] }) {
  const { t } = useTranslation();
  const { q = '', state = 'all' } = rulesRoute.useSearch();
  const navigate = useNavigate({ from: rulesRoute.fullPath });
  const counts = countByState(groups);
  const show = (next: RulesSearch) => {
    const search: RulesSearch = {
      ...(next.q === undefined || next.q === '' ? {} : { q: next.q }),
      ...(next.state === undefined || next.state === 'all' ? {} : { state: next.state }),
    };
    void navigate({ search, replace: true, resetScroll: false });
  };
  return (
    <div className={classes.filters}>
      <TextInput
        className={classes.search}
        type="search"
        aria-label={t('rules.search')}
        placeholder={t('rules.searchHint')}
        data-testid="rules-search"
        leftSection={<IconSearch size="1rem" aria-hidden />}
        value={q}
        onChange={(event) => show({ q: event.currentTarget.value, state })}
      />
      {/* biome-ignore lint/a11y/useSemanticElements: these are buttons, not fields of a form. */}
      <div className={classes.states} role="group" aria-label={t('rules.filter')}>
        {STATES.filter((one) => one === 'all' || one === state || counts[one] > 0).map((one) => (
          <UnstyledButton
            key={one}
            className={classes.state}
            aria-pressed={one === state}
            data-alarm={one === 'attention'}
            data-testid={`rules-state-${one}`}
            onClick={() => show({ q, state: one })}
          >
            {one === 'attention' && <IconAlertTriangle size="0.9375rem" aria-hidden />}
            {t(`rules.filters.${one}`)}
            <span className={classes.count}>{counts[one]}</span>
          </UnstyledButton>
        ))}
      </div>
    </div>
  );
}
