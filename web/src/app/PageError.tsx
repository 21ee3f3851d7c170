import { Center } from '@mantine/core';
import { type ErrorComponentProps, useRouter } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { ApiError } from '@/api/error';
import { ErrorNotice } from '@/components/ErrorNotice';

/** In place of a page that could not be shown: what happened, and a way to try again. */
export function PageError({ error, reset }: ErrorComponentProps) {
  const { t } = useTranslation();
  const router = useRouter();
  const title = error instanceof ApiError ? t('session.checkFailed') : t('error.page');
  return (
    <Center mih="100dvh" p="md">
      <ErrorNotice
        title={title}
        error={error}
        onRetry={() => {
          reset();
          void router.invalidate();
        }}
      />
    </Center>
  );
}
