import { Paper, Title } from '@mantine/core';
import { type ReactNode, useId } from 'react';
import classes from './Panel.module.css';

type PanelProps = {
  title: string;
  aside?: ReactNode;
  note?: ReactNode;
  testId?: string;
  /** For links to it. */
  id?: string;
  children: ReactNode;
};

/** A titled box of a page. `note` stands beside the title (its age, say), `aside` at the right end. */
export function Panel({ title, aside, note, testId, id, children }: PanelProps) {
  const heading = useId();
  return (
    <Paper component="section" id={id} aria-labelledby={heading} className={classes.panel} data-testid={testId}>
      <div className={classes.head}>
        <Title order={2} id={heading} className={classes.title}>
          {title}
        </Title>
        {note}
        {aside !== undefined && <div className={classes.aside}>{aside}</div>}
      </div>
      {children}
    </Paper>
  );
}
