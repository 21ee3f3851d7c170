import { useTranslation } from 'react-i18next';
import { ApiError } from '@/api/error';
import { formatDuration } from '@/format/time';
import { useLocale } from '@/i18n/useLocale';
import { useNow } from '@/live/useNow';
import { secondsLeft } from './wait';

type LoginError = {
  text: string | null;
  /** The same for a screen reader, without the seconds that count down. */
  spoken: string | null;
  /** Whether the next attempt has to wait. */
  waiting: boolean;
};

/** What went wrong with signing in. `at` is when it was tried, in ms. */
export function useLoginError(error: Error | null, at: number): LoginError {
  const { t } = useTranslation();
  const { locale } = useLocale();
  useNow();
  if (error === null) return { text: null, spoken: null, waiting: false };
  const plain = (text: string): LoginError => ({ text, spoken: text, waiting: false });
  if (!(error instanceof ApiError)) return plain(t('login.other'));
  switch (error.kind) {
    case 'unauthorized':
      return plain(t('login.wrong'));
    case 'rateLimited': {
      const left = secondsLeft(error.retryAfter, at, Date.now());
      if (left === 0) return plain(t('login.tooMany'));
      const waitText = (seconds: number) => t('login.tooManyWait', { wait: formatDuration(seconds, locale) });
      return { text: waitText(left), spoken: waitText(error.retryAfter ?? left), waiting: true };
    }
    case 'unavailable':
      return plain(t('login.unavailable'));
    case 'network':
    case 'timeout':
      return plain(t(`login.${error.kind}`));
    default:
      return plain([t('login.other'), error.detail].filter((part) => part !== null).join(' '));
  }
}
