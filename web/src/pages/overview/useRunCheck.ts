import { useMutation, useQueryClient } from '@tanstack/react-query';
import { healthQuery, runCheck } from '@/api/monitoring';
import { applyCheck } from '@/live/apply';

/** Runs a check now and shows its result, also where the stream is slower or lost. */
export function useRunCheck(name: string) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: () => runCheck(name),
    onSuccess: (check) => {
      queries.setQueryData(healthQuery.queryKey, (known) => known && applyCheck(known, name, check));
    },
  });
}
