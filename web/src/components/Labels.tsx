import classes from './Labels.module.css';

/** Labels as `name=value`, in the order of their names. Renders nothing where there are none. */
export function Labels({ labels, testId }: { labels: Readonly<Record<string, string>>; testId?: string }) {
  const pairs = Object.entries(labels).sort(([a], [b]) => a.localeCompare(b));
  if (pairs.length === 0) return null;
  return (
    <ul className={classes.labels} data-testid={testId}>
      {pairs.map(([name, value]) => (
        <li key={name} className={classes.label}>
          {name}={value}
        </li>
      ))}
    </ul>
  );
}
