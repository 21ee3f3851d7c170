import classes from './Expression.module.css';

/** A PromQL expression as it was written. */
export function Expression({ expr, testId }: { expr: string; testId?: string }) {
  return (
    <code className={classes.expression} data-testid={testId}>
      {expr}
    </code>
  );
}
