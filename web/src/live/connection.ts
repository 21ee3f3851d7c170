/** The state of the live connection, as a fold over what happens to it. Instants are ms since the epoch. */

export type Connection =
  | { phase: 'connecting'; since: number }
  | { phase: 'live'; since: number }
  | { phase: 'lost'; since: number };

export type ConnectionEvent = { type: 'opened' | 'lost'; at: number };

/** What the header shows. A short break is "reconnecting"; a longer one is "offline", with the time it began. */
export type ConnectionView = 'connecting' | 'live' | 'reconnecting' | 'offline';

export const OFFLINE_AFTER_MS = 12_000;

export function nextConnection(connection: Connection, event: ConnectionEvent): Connection {
  if (event.type === 'opened') return connection.phase === 'live' ? connection : { phase: 'live', since: event.at };
  // Further failures do not move the beginning of the outage.
  return connection.phase === 'lost' ? connection : { phase: 'lost', since: event.at };
}

export function connectionView(connection: Connection, now: number): ConnectionView {
  if (connection.phase === 'live') return 'live';
  if (now - connection.since >= OFFLINE_AFTER_MS) return 'offline';
  return connection.phase === 'connecting' ? 'connecting' : 'reconnecting';
}

/** Milliseconds before the n-th attempt (from 0): doubling from 1 s to 30 s, spread by `random` in [0, 1). */
export function retryDelay(attempt: number, random: number): number {
  const full = Math.min(30_000, 1000 * 2 ** attempt);
  return Math.round(full * (0.5 + random / 2));
}
