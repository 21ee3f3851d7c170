import { isStateFilter, type StateFilter } from './condition';

/** What of the list is shown; part of the address, so that it can be shared. */
export type RulesSearch = { q?: string; state?: StateFilter };

export function rulesSearch({ q, state }: Record<string, unknown>): RulesSearch {
  const found: RulesSearch = {};
  // The router reads `?q=5` as a number.
  if ((typeof q === 'string' && q !== '') || typeof q === 'number') found.q = String(q);
  if (isStateFilter(state) && state !== 'all') found.state = state;
  return found;
}
