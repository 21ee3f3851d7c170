import { Progress } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { formatPercent } from '@/format/number';
import { useLocale } from '@/i18n/useLocale';
import classes from './TrialPage.module.css';

/** How much of the history is done, 0..1; null while it is being read. */
export function TrialProgress({ done }: { done: number | null }) {
  const { t } = useTranslation();
  const { locale } = useLocale();
  const percent = (done ?? 0) * 100;
  const text =
    done === null ? t('trial.progress') : t('trial.progressText', { percent: formatPercent(percent, locale, 0) });
  return (
    <div className={classes.progress} data-testid="trial-progress">
      <Progress value={done === null ? 100 : percent} animated={done === null} size="lg" aria-label={text} />
      <span>{text}</span>
    </div>
  );
}
