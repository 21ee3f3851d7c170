import { queryOptions } from '@tanstack/react-query';
import { client, unwrap } from './client';

/** A rule and an instant; what is absent the API chooses. */
export type ExplainAsked = {
  rule: string;
  /** RFC 3339; absent: now. */
  at?: string | undefined;
  group?: string | undefined;
  place?: number | undefined;
  version?: 'then' | 'now' | undefined;
  labels?: string | undefined;
};

export function explainQuery({ rule, at, group, place, version, labels }: ExplainAsked) {
  const query = {
    rule,
    ...(at === undefined ? {} : { at }),
    ...(group === undefined ? {} : { group }),
    ...(place === undefined ? {} : { place }),
    ...(version === undefined ? {} : { version }),
    ...(labels === undefined ? {} : { labels }),
  };
  return queryOptions({
    queryKey: ['monitoring', 'explain', query],
    queryFn: ({ signal }) => unwrap(client.GET('/api/monitoring/alerts/explain', { params: { query }, signal })),
    // What is stored of the past may still grow, but a page that is being read does not change by itself.
    staleTime: 0,
    refetchOnWindowFocus: false,
  });
}
