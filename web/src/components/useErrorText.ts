import { useTranslation } from 'react-i18next';
import { ApiError } from '@/api/error';

/** An error in the user's language, and the server's own words with the HTTP status below it. */
export function useErrorText(error: unknown): { text: string; detail: string | null } {
  const { t } = useTranslation();
  if (!(error instanceof ApiError)) {
    return { text: t('error.malformed'), detail: error instanceof Error ? error.message : null };
  }
  const status = error.status === null ? null : t('error.status', { status: error.status });
  const detail = [status, error.detail].filter((part) => part !== null).join(': ');
  return { text: t(`error.${error.kind}`), detail: detail === '' ? null : detail };
}
