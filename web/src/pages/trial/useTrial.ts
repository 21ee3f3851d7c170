import { useCallback, useEffect, useReducer, useRef } from 'react';
import { runBacktest } from '@/api/backtest';
import type { BacktestLine, BacktestRequest } from '@/api/types';
import { NOTHING, type Outcome, takeLines } from './outcome';

type Trial = {
  phase: 'idle' | 'running' | 'ended' | 'stopped' | 'failed';
  outcome: Outcome;
  error: unknown;
};

type Event =
  | { type: 'started' | 'ended' | 'stopped' }
  | { type: 'lines'; lines: readonly BacktestLine[] }
  | { type: 'failed'; error: unknown };

function next(trial: Trial, event: Event): Trial {
  switch (event.type) {
    case 'started':
      return { phase: 'running', outcome: NOTHING, error: null };
    case 'lines':
      return { ...trial, outcome: takeLines(trial.outcome, event.lines) };
    case 'failed':
      return { ...trial, phase: 'failed', error: event.error };
    default:
      return { ...trial, phase: event.type };
  }
}

/** One run at a time; a new one, or leaving the page, ends the one before it, on the server, too. */
export function useTrial(): Trial & { run: (request: BacktestRequest) => void; stop: () => void } {
  const [trial, tell] = useReducer(next, { phase: 'idle', outcome: NOTHING, error: null });
  const running = useRef<AbortController | null>(null);

  const run = useCallback((request: BacktestRequest) => {
    running.current?.abort();
    const own = new AbortController();
    running.current = own;
    // What a run that was replaced still says is not about what is shown.
    const say = (event: Event) => {
      if (running.current === own) tell(event);
    };
    say({ type: 'started' });
    runBacktest(request, own.signal, (lines) => say({ type: 'lines', lines })).then(
      () => say({ type: 'ended' }),
      (error: unknown) => {
        if (!own.signal.aborted) say({ type: 'failed', error });
      },
    );
  }, []);

  const stop = useCallback(() => {
    running.current?.abort();
    tell({ type: 'stopped' });
  }, []);

  useEffect(() => () => running.current?.abort(), []);
  return { ...trial, run, stop };
}
