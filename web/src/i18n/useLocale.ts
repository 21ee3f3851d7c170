import { useTranslation } from 'react-i18next';
import { formatLocale, isLanguage, type Language } from './locale';

/** The language of the page and the locale of its numbers and dates. */
export function useLocale(): { language: Language; locale: string } {
  const { i18n } = useTranslation();
  const language = isLanguage(i18n.language) ? i18n.language : 'en';
  return { language, locale: formatLocale(language, navigator.languages) };
}
