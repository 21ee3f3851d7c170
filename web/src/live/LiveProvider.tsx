import { type QueryClient, useQueryClient } from '@tanstack/react-query';
import { createContext, type ReactNode, useCallback, useContext, useEffect, useMemo, useReducer, useRef } from 'react';
import { alertDetailsKey, alertListsKey } from '@/api/alerts';
import { ALERT_LIMIT, alertsQuery, healthQuery, metricsQuery, seenAlertsKey } from '@/api/monitoring';
import { sessionQuery } from '@/api/session';
import type { Alert, Health, ListedAlert, SystemMetrics } from '@/api/types';
import { applyAlert, applyMuting, applySystem, type Muting, recentEvents, type SeenAlert } from './apply';
import { type Connection, nextConnection } from './connection';
import { LiveStream, type StreamEvent } from './stream';

// Browsers allow six connections to one HTTP/1.1 origin. A tab nobody sees gives its one back after a while.
const HIDDEN_MS = 60_000;

// Alerts come in crowds: lists that are asked for anew are asked for once for all of them.
const GATHER_MS = 500;

type Live = { connection: Connection; lastAlert: Alert | null; reconnect: () => void };

const LiveContext = createContext<Live | null>(null);

/** The live connection's state, the last alert it brought, and a way to reconnect at once. */
export function useLive(): Live {
  const live = useContext(LiveContext);
  if (live === null) throw new Error('useLive is used outside LiveProvider');
  return live;
}

/** Keeps the query cache current from `/api/monitoring/stream` while somebody is signed in. */
export function LiveProvider({ children }: { children: ReactNode }) {
  const queries = useQueryClient();
  const [connection, tell] = useReducer(nextConnection, null, () => ({
    phase: 'connecting' as const,
    since: Date.now(),
  }));
  const [lastAlert, setLastAlert] = useReducer((_: Alert | null, alert: Alert) => alert, null);
  const stream = useRef<LiveStream | null>(null);
  const gathering = useRef<number | undefined>(undefined);

  const take = useCallback(
    (event: StreamEvent, data: unknown) => {
      const askAnew = () => {
        gathering.current ??= window.setTimeout(() => {
          gathering.current = undefined;
          void queries.invalidateQueries({ queryKey: alertListsKey });
          void queries.invalidateQueries({ queryKey: alertDetailsKey });
        }, GATHER_MS);
      };
      switch (event) {
        case 'alert':
          takeAlert(queries, data as Alert);
          setLastAlert(data as Alert);
          askAnew();
          break;
        case 'muting':
          takeMuting(queries, data as Muting);
          askAnew();
          break;
        case 'health':
          queries.setQueryData(healthQuery.queryKey, data as Health);
          break;
        case 'metrics': {
          const { system } = data as { system: SystemMetrics };
          queries.setQueryData(metricsQuery.queryKey, (known) => known && applySystem(known, system));
          break;
        }
      }
    },
    [queries],
  );

  useEffect(() => {
    const opened = new LiveStream('/api/monitoring/stream', {
      onOpen: () => {
        tell({ type: 'opened', at: Date.now() });
        // What happened while nobody listened is only in the database.
        void queries.invalidateQueries({ queryKey: ['monitoring'] });
      },
      onLost: () => {
        tell({ type: 'lost', at: Date.now() });
        // EventSource does not tell a refused session from a broken line; asking for the session does.
        void queries.invalidateQueries({ queryKey: sessionQuery.queryKey });
      },
      onEvent: take,
    });
    stream.current = opened;
    opened.open();
    const stopWatching = watchVisibility(opened);
    return () => {
      stopWatching();
      window.clearTimeout(gathering.current);
      gathering.current = undefined;
      opened.close();
    };
  }, [queries, take]);

  const reconnect = useCallback(() => stream.current?.open(), []);
  const live = useMemo(() => ({ connection, lastAlert, reconnect }), [connection, lastAlert, reconnect]);
  return <LiveContext value={live}>{children}</LiveContext>;
}

function takeAlert(queries: QueryClient, alert: Alert): void {
  const now = Date.now();
  queries.setQueryData<SeenAlert[]>(seenAlertsKey, (seen = []) => [...recentEvents(seen, now), { alert, at: now }]);
  queries.setQueryData(
    alertsQuery.queryKey,
    (known) => known && { ...known, alerts: applyAlert(known.alerts, alert, ALERT_LIMIT) },
  );
}

function takeMuting(queries: QueryClient, muting: Muting): void {
  queries.setQueryData(
    alertsQuery.queryKey,
    (known) => known && { ...known, alerts: applyMuting(known.alerts, muting) },
  );
  queries.setQueriesData<ListedAlert[]>({ queryKey: alertListsKey }, (known) => known && applyMuting(known, muting));
}

/** Closes the stream a while after the tab is hidden, and opens it when it is seen or the network is back. */
function watchVisibility(stream: LiveStream): () => void {
  let timer: number | undefined;
  let closed = false;
  const onVisibility = () => {
    window.clearTimeout(timer);
    if (document.hidden) {
      timer = window.setTimeout(() => {
        closed = true;
        stream.close();
      }, HIDDEN_MS);
    } else if (closed) {
      closed = false;
      stream.open();
    }
  };
  const onOnline = () => stream.open();
  document.addEventListener('visibilitychange', onVisibility);
  window.addEventListener('online', onOnline);
  return () => {
    window.clearTimeout(timer);
    document.removeEventListener('visibilitychange', onVisibility);
    window.removeEventListener('online', onOnline);
  };
}
