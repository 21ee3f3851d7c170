import type { Icon } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import classes from './Empty.module.css';

type EmptyProps = { icon: Icon; color?: string; title: string; text?: string; action?: ReactNode };

/** In place of a list that has nothing in it: what that means. */
export function Empty({ icon: Sign, color = 'var(--unknown-mark)', title, text, action }: EmptyProps) {
  return (
    <div className={classes.empty} data-testid="empty">
      <Sign size="1.75rem" stroke={1.5} color={color} aria-hidden />
      <strong>{title}</strong>
      {text !== undefined && <span>{text}</span>}
      {action}
    </div>
  );
}
