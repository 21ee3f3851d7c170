import type { ReactNode } from 'react';
import classes from './Page.module.css';

/** A page's content, one part below the other. */
export function Page({ testId, children }: { testId: string; children: ReactNode }) {
  return (
    <div className={classes.page} data-width="reading" data-testid={testId}>
      {children}
    </div>
  );
}
