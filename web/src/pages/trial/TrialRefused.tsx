import { Button } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { ApiError } from '@/api/error';
import { Notice } from '@/components/Notice';
import { useErrorText } from '@/components/useErrorText';
import { lineOf } from './outcome';
import classes from './TrialPage.module.css';

/** Why nothing was run: each fault with its place in the text, and the way there. */
export function TrialRefused({ error, onLine }: { error: unknown; onLine: (line: number) => void }) {
  const { t } = useTranslation();
  const { text, detail } = useErrorText(error);
  const faults = error instanceof ApiError ? error.faults : [];
  return (
    <Notice tone="bad" role="alert" testId="trial-refused">
      <strong>{faults.length > 0 ? t('trial.refused') : text}</strong>
      {faults.length === 0 && detail !== null && <div>{detail}</div>}
      <ul className={classes.faults}>
        {faults.map(({ where, reason }) => {
          const line = lineOf(where);
          return (
            <li key={`${where} ${reason}`} data-testid="trial-fault">
              <code>{where}</code>: {reason}{' '}
              {line !== null && (
                <Button size="compact-xs" variant="default" onClick={() => onLine(line)}>
                  {t('trial.refusedPlace', { line })}
                </Button>
              )}
            </li>
          );
        })}
      </ul>
    </Notice>
  );
}
