import { IconAlertTriangle, IconCircleX, IconHelpCircle, IconInfoCircle } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import classes from './Notice.module.css';

const ICONS = { bad: IconCircleX, warn: IconAlertTriangle, info: IconInfoCircle, unknown: IconHelpCircle } as const;

type NoticeProps = { tone: keyof typeof ICONS; role?: 'alert' | 'status'; testId?: string; children: ReactNode };

/** A sentence that must not be missed, beside what it is about. */
export function Notice({ tone, role, testId, children }: NoticeProps) {
  const Sign = ICONS[tone];
  return (
    <div className={classes.notice} data-tone={tone} role={role} data-testid={testId}>
      <Sign size="1rem" aria-hidden />
      <div className={classes.body}>{children}</div>
    </div>
  );
}
