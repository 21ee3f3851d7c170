import { queryOptions } from '@tanstack/react-query';
import { client, unwrap } from './client';
import type { RuleGroup } from './types';

// Alerting says how each group goes when it changes, and else every half minute.
const REFRESH_MS = 10_000;

export const rulesQuery = queryOptions({
  queryKey: ['monitoring', 'rules'],
  queryFn: ({ signal }) => unwrap(client.GET('/api/monitoring/alerts/rules', { signal })),
  refetchInterval: REFRESH_MS,
});

/** A group in force as a rule file, in YAML. */
export function ruleFileQuery(name: string) {
  return queryOptions({
    queryKey: ['monitoring', 'rules', 'file', name],
    queryFn: async ({ signal }): Promise<string> => {
      const pending = client.GET('/api/monitoring/alerts/rules/{name}', {
        params: { path: { name } },
        headers: { Accept: 'application/yaml' },
        parseAs: 'text',
        signal,
      });
      return String(await unwrap<unknown>(pending));
    },
    staleTime: 0,
    refetchOnWindowFocus: false,
  });
}

/** What may be done to a group from the page. */
export type RuleChange =
  | { kind: 'enable' | 'disable' | 'delete'; group: RuleGroup }
  | { kind: 'promote'; group: RuleGroup; rule: string | null };

/** Makes the change if the group is still in the version that was seen; else an error of the kind `conflict`. */
export async function applyRuleChange(change: RuleChange): Promise<void> {
  const { name, version } = change.group;
  const params = { path: { name }, header: { 'if-match': `"${version}"` } };
  switch (change.kind) {
    case 'enable':
    case 'disable': {
      const body = { enabled: change.kind === 'enable' };
      await unwrap(client.PATCH('/api/monitoring/alerts/rules/{name}', { params, body }));
      return;
    }
    case 'delete':
      await unwrap(client.DELETE('/api/monitoring/alerts/rules/{name}', { params }));
      return;
    case 'promote':
      await unwrap(
        client.POST('/api/monitoring/alerts/rules/{name}/promote', {
          params: { ...params, query: { rule: change.rule } },
        }),
      );
  }
}
