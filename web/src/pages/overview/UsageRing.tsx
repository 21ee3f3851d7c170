import { RingProgress, Skeleton } from '@mantine/core';
import { IconAlertTriangle, IconCheck, IconFlame } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { type UsageLevel, usageLevel } from '@/format/level';
import { formatPercent, MISSING } from '@/format/number';
import { useLocale } from '@/i18n/useLocale';
import classes from './UsageRing.module.css';

const COLORS: Record<UsageLevel, string> = {
  ok: 'var(--ok-mark)',
  elevated: 'var(--warn-mark)',
  high: 'var(--bad-mark)',
};
const ICONS: Record<UsageLevel, typeof IconCheck> = { ok: IconCheck, elevated: IconAlertTriangle, high: IconFlame };

type UsageRingProps = {
  name: 'cpu' | 'memory' | 'disk';
  label: string;
  /** 0..100, or null where there is no reading. */
  percent: number | null;
  /** What stands under the ring. */
  text: string | null;
  loading: boolean;
  stale: boolean;
};

/** One ring: the number inside, name and level in words beside it, so that it is read without its colour. */
export function UsageRing({ name, label, percent, text, loading, stale }: UsageRingProps) {
  const { t } = useTranslation();
  const { locale } = useLocale();
  const level = percent === null ? null : usageLevel(percent);
  const value = percent === null ? MISSING : formatPercent(percent, locale, percent >= 99.95 ? 0 : 1);
  const spoken =
    level === null
      ? t('usage.accessibleMissing', { name: label })
      : t('usage.accessible', { name: label, value, level: t(`usage.level.${level}`) });
  const color = level === null || stale ? 'var(--unknown-mark)' : COLORS[level];
  return (
    <div className={classes.ring} data-testid={`ring-${name}`} data-level={level ?? 'unknown'} data-stale={stale}>
      {loading ? (
        <Skeleton circle className={classes.loading} />
      ) : (
        <div role="img" aria-label={spoken} className={classes.dial}>
          <RingProgress
            size={124}
            thickness={11}
            roundCaps
            transitionDuration={400}
            rootColor="var(--track)"
            sections={percent === null ? [] : [{ value: Math.min(100, Math.max(0, percent)), color }]}
            label={<span className={classes.value}>{value}</span>}
            aria-hidden
          />
        </div>
      )}
      <div className={classes.words}>
        <div className={classes.name}>{label}</div>
        <LevelText level={level} loading={loading} />
        <div className={classes.text}>{text ?? '\u00a0'}</div>
      </div>
    </div>
  );
}

function LevelText({ level, loading }: { level: UsageLevel | null; loading: boolean }) {
  const { t } = useTranslation();
  if (level === null) return <div className={classes.level}>{loading ? '\u00a0' : t('usage.noReading')}</div>;
  const Icon = ICONS[level];
  return (
    <div className={classes.level} data-level={level}>
      <Icon size="0.9375rem" aria-hidden />
      {t(`usage.level.${level}`)}
    </div>
  );
}
