import type {
  BacktestFailure,
  BacktestLine,
  BacktestNotification,
  BacktestSummary,
  BacktestTransition,
  FiringChange,
} from '@/api/types';

/** What a run has told so far, as a fold over its lines. Pure. */
export type Outcome = {
  /** Done part of the history, 0..1; null before any of it has been evaluated. */
  done: number | null;
  transitions: BacktestTransition[];
  notifications: BacktestNotification[];
  failures: BacktestFailure[];
  changes: FiringChange[];
  summary: BacktestSummary | null;
  /** Why it was not brought to its end, in the server's words. */
  error: string | null;
};

export const NOTHING: Outcome = {
  done: null,
  transitions: [],
  notifications: [],
  failures: [],
  changes: [],
  summary: null,
  error: null,
};

export function takeLines(outcome: Outcome, lines: readonly BacktestLine[]): Outcome {
  const next = { ...outcome };
  const transitions: BacktestTransition[] = [];
  const notifications: BacktestNotification[] = [];
  const failures: BacktestFailure[] = [];
  const changes: FiringChange[] = [];
  for (const line of lines) {
    if (line.progress != null) next.done = line.progress.of > 0 ? line.progress.done / line.progress.of : 0;
    if (line.transition != null) transitions.push(line.transition);
    if (line.notification != null) notifications.push(line.notification);
    if (line.failure != null) failures.push(line.failure);
    if (line.change != null) changes.push(line.change);
    if (line.summary != null) next.summary = line.summary;
    if (line.error != null) next.error = line.error.detail;
  }
  next.transitions = added(outcome.transitions, transitions);
  next.notifications = added(outcome.notifications, notifications);
  next.failures = added(outcome.failures, failures);
  next.changes = added(outcome.changes, changes);
  return next;
}

/** The same list where nothing came, so that what shows it is not drawn again with every bit of progress. */
function added<T>(before: T[], more: readonly T[]): T[] {
  return more.length === 0 ? before : [...before, ...more];
}

/** The line of the text that a fault is about, from 1; null where it names none. */
export function lineOf(where: string): number | null {
  const found = /:(\d+)(?::\d+)?$/.exec(where);
  return found === null ? null : Number(found[1]);
}

/** Beginning and end of a line (from 1) in a text, for marking it; null where it has no such line. */
export function spanOfLine(text: string, line: number): [number, number] | null {
  const lines = text.split('\n');
  const own = lines[line - 1];
  if (own === undefined) return null;
  const start = lines.slice(0, line - 1).reduce((length, one) => length + one.length + 1, 0);
  return [start, start + own.length];
}

export const RANGES = ['1h', '6h', '24h', '7d', 'own'] as const;
export type Range = (typeof RANGES)[number];

const SECONDS: Record<Exclude<Range, 'own'>, number> = { '1h': 3600, '6h': 21_600, '24h': 86_400, '7d': 604_800 };

export function isRange(value: unknown): value is Range {
  return RANGES.some((range) => range === value);
}

/** The stretch of history that was chosen, in ms; null where the own one has no beginning, no end, or goes back. */
export function stretchOf(range: Range, from: string, to: string, now: number): { start: number; end: number } | null {
  if (range !== 'own') return { start: now - SECONDS[range] * 1000, end: now };
  const stretch = { start: Date.parse(from), end: Date.parse(to) };
  return stretch.start < stretch.end ? stretch : null;
}
