import type { ReactNode } from 'react';
import classes from './Facts.module.css';

/** Names and what they stand for, side by side. */
export function Facts({ size = 'normal', children }: { size?: 'normal' | 'large'; children: ReactNode }) {
  return (
    <dl className={classes.facts} data-size={size}>
      {children}
    </dl>
  );
}

type FactProps = { name: string; hint?: string | undefined; testId?: string; children: ReactNode };

export function Fact({ name, hint, testId, children }: FactProps) {
  return (
    <div title={hint}>
      <dt>{name}</dt>
      <dd data-testid={testId}>{children}</dd>
    </div>
  );
}
