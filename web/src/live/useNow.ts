import { useEffect, useState } from 'react';
import { serverNow } from './serverClock';

/** The server's time in ms, renewed every `everyMs`, for texts that say how old something is. */
export function useNow(everyMs = 1000): number {
  const [now, setNow] = useState(serverNow);
  useEffect(() => {
    const timer = window.setInterval(() => setNow(serverNow()), everyMs);
    return () => window.clearInterval(timer);
  }, [everyMs]);
  return now;
}
