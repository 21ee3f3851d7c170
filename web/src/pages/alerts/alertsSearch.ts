import type { AlertFilter } from '@/api/alerts';
import type { Alert, Severity } from '@/api/types';

/** Which alerts are shown; part of the address, so that it can be shared. What is absent is the first choice. */
export type AlertsSearch = { q?: string; status?: 'active' | 'resolved'; severity?: Severity; shadow?: 'true' | 'all' };

export const SEVERITIES: readonly Severity[] = ['critical', 'warning', 'info'];

export function alertsSearch({ q, status, severity, shadow }: Record<string, unknown>): AlertsSearch {
  const found: AlertsSearch = {};
  // The router reads `?q=5` as a number and `?shadow=true` as a truth value.
  if ((typeof q === 'string' && q !== '') || typeof q === 'number') found.q = String(q);
  if (status === 'active' || status === 'resolved') found.status = status;
  const known = SEVERITIES.find((one) => one === severity);
  if (known !== undefined) found.severity = known;
  if (shadow === 'true' || shadow === true) found.shadow = 'true';
  if (shadow === 'all') found.shadow = 'all';
  return found;
}

export function filterOf(search: AlertsSearch, limit: number): AlertFilter {
  return {
    status: search.status ?? 'all',
    severity: search.severity ?? null,
    shadow: search.shadow ?? 'false',
    limit,
  };
}

/** Those in which each word is found: in the name, the group, the message or a label. */
export function matching<A extends Alert>(alerts: readonly A[], text: string): A[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return [...alerts];
  return alerts.filter((alert) => {
    const labels = Object.entries(alert.labels).map((pair) => pair.join('='));
    const all = [alert.name, alert.group, alert.message, ...labels].join('\n').toLowerCase();
    return words.every((word) => all.includes(word));
  });
}
