import { Center } from '@mantine/core';
import { type ErrorComponentProps, useRouter } from '@tanstack/react-router';
import { useCallback, useEffect } from 'react';
import { useTranslation } from 'react-i18next';
import { ApiError, type ErrorKind } from '@/api/error';
import { ErrorNotice } from '@/components/ErrorNotice';

const PASSING: ReadonlySet<ErrorKind> = new Set<ErrorKind>(['network', 'timeout', 'unavailable']);
const RETRY_MS = 15_000;

/** In place of a page that could not be shown: what happened, and a way to try again. */
export function PageError({ error, reset }: ErrorComponentProps) {
  const { t } = useTranslation();
  const router = useRouter();
  const again = useCallback(() => {
    reset();
    void router.invalidate();
  }, [reset, router]);
  const passing = error instanceof ApiError && PASSING.has(error.kind);

  // A wall display that was switched on before the server has nobody to press the button.
  useEffect(() => {
    if (!passing) return undefined;
    const timer = window.setInterval(again, RETRY_MS);
    return () => window.clearInterval(timer);
  }, [passing, again]);

  const title = error instanceof ApiError ? t('session.checkFailed') : t('error.page');
  return (
    <Center mih="100dvh" p="md">
      <ErrorNotice title={title} error={error} onRetry={again} />
    </Center>
  );
}
