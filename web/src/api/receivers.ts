import { queryOptions } from '@tanstack/react-query';
import { client, unwrap } from './client';

const REFRESH_MS = 15_000;

export const receiversQuery = queryOptions({
  queryKey: ['monitoring', 'receivers'],
  queryFn: ({ signal }) => unwrap(client.GET('/api/monitoring/receivers', { signal })),
  refetchInterval: REFRESH_MS,
});

/** Sends a test message, and waits for what became of it. */
export async function testReceiver(name: string) {
  return unwrap(client.POST('/api/monitoring/receivers/{name}/test', { params: { path: { name } }, body: {} }));
}
