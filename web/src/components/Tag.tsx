import type { Icon } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import classes from './Tag.module.css';

export type Tone = 'ok' | 'warn' | 'bad' | 'info' | 'unknown' | 'shadow';

type TagProps = {
  tone?: Tone;
  icon?: Icon;
  title?: string | undefined;
  testId?: string;
  /** For a sentence: it goes over several lines where it has to. */
  wraps?: boolean;
  children: ReactNode;
};

/** A word or two in a small coloured box. The words say it all; the colour only helps to find it. */
export function Tag({ tone = 'unknown', icon: Sign, title, testId, wraps = false, children }: TagProps) {
  return (
    <span className={classes.tag} data-tone={tone} data-wraps={wraps || undefined} title={title} data-testid={testId}>
      {Sign !== undefined && <Sign size="0.8125rem" aria-hidden style={{ flex: 'none' }} />}
      {children}
    </span>
  );
}
