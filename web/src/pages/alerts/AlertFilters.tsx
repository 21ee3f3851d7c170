import { NativeSelect, SegmentedControl, TextInput } from '@mantine/core';
import { IconSearch } from '@tabler/icons-react';
import { useNavigate } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import classes from './AlertsPage.module.css';
import { type AlertsSearch, alertsSearch, SEVERITIES } from './alertsSearch';
import { alertsRoute } from './route';

/** Which alerts are shown. */
export function AlertFilters() {
  const { t } = useTranslation();
  const search = alertsRoute.useSearch();
  const navigate = useNavigate({ from: alertsRoute.fullPath });
  // What is empty or the first choice does not stand in the address.
  const show = (change: { [K in keyof AlertsSearch]?: string }) =>
    void navigate({ search: alertsSearch({ ...search, ...change }), replace: true, resetScroll: false });
  return (
    <div className={classes.filters}>
      <TextInput
        className={classes.search}
        type="search"
        aria-label={t('alertPages.search')}
        placeholder={t('alertPages.searchHint')}
        data-testid="alerts-search"
        leftSection={<IconSearch size="1rem" aria-hidden />}
        value={search.q ?? ''}
        onChange={(event) => show({ q: event.currentTarget.value })}
      />
      <SegmentedControl
        className={classes.status}
        aria-label={t('alertPages.status')}
        data-testid="alerts-status"
        value={search.status ?? 'all'}
        onChange={(status) => show({ status })}
        data={(['all', 'active', 'resolved'] as const).map((value) => ({
          value,
          label: t(`alertPages.statuses.${value}`),
        }))}
      />
      <NativeSelect
        aria-label={t('alertPages.severity')}
        data-testid="alerts-severity"
        value={search.severity ?? ''}
        onChange={(event) => show({ severity: event.currentTarget.value })}
        data={[
          { value: '', label: t('alertPages.anySeverity') },
          ...SEVERITIES.map((value) => ({ value, label: t(`alerts.severity.${value}`) })),
        ]}
      />
      <NativeSelect
        aria-label={t('alertPages.shadow')}
        data-testid="alerts-shadow"
        value={search.shadow ?? 'false'}
        onChange={(event) => show({ shadow: event.currentTarget.value })}
        data={(['false', 'all', 'true'] as const).map((value) => ({ value, label: t(`alertPages.shadows.${value}`) }))}
      />
    </div>
  );
}
