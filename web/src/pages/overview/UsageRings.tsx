import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { metricsQuery } from '@/api/monitoring';
import type { SystemMetrics } from '@/api/types';
import { ErrorNotice } from '@/components/ErrorNotice';
import { Panel } from '@/components/Panel';
import { StaleNote } from '@/components/StaleNote';
import { formatBytesOf, formatFixed } from '@/format/number';
import { parseTime } from '@/format/time';
import { useLocale } from '@/i18n/useLocale';
import { staleSince } from '@/live/freshness';
import { useNow } from '@/live/useNow';
import { UsageRing } from './UsageRing';
import classes from './UsageRings.module.css';

/** How full processor, memory and disk of the machine are. */
export function UsageRings() {
  const { t } = useTranslation();
  const metrics = useQuery(metricsQuery);
  const now = useNow();
  const system = metrics.data?.system ?? null;
  const since = staleSince(parseTime(system?.snapshot_time), now);
  const texts = useUsageTexts(system);

  return (
    <Panel title={t('usage.title')} note={<StaleNote since={since} now={now} />}>
      {metrics.data === undefined && metrics.isError ? (
        <ErrorNotice title={t('error.load.metrics')} error={metrics.error} onRetry={() => void metrics.refetch()} />
      ) : (
        <div className={classes.box}>
          <div className={classes.rings}>
            {(['cpu', 'memory', 'disk'] as const).map((name) => (
              <UsageRing
                key={name}
                name={name}
                label={t(`usage.${name}`)}
                percent={system?.[`${name}_usage`] ?? null}
                text={texts[name]}
                loading={metrics.data === undefined}
                stale={since !== null}
              />
            ))}
          </div>
        </div>
      )}
    </Panel>
  );
}

/** The line under each ring: the load averages, and used of total. */
function useUsageTexts(system: SystemMetrics | null): Record<'cpu' | 'memory' | 'disk', string | null> {
  const { t } = useTranslation();
  const { locale } = useLocale();
  const of = (used?: number | null, total?: number | null) =>
    used == null || total == null ? null : t('usage.of', formatBytesOf(used, total, locale));
  const [one, five, fifteen] = system?.load_average ?? [];
  const load =
    one === undefined || five === undefined || fifteen === undefined
      ? null
      : t('usage.load', {
          one: formatFixed(one, locale),
          five: formatFixed(five, locale),
          fifteen: formatFixed(fifteen, locale),
        });
  return {
    cpu: load,
    memory: of(system?.memory_used, system?.memory_total),
    disk: of(system?.disk_used, system?.disk_total),
  };
}
