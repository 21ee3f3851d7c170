import i18next from 'i18next';
import { initReactI18next } from 'react-i18next';
import { readSetting, writeSetting } from '@/app/settings';
import { en } from './en';
import { id } from './id';
import { initialLanguage, type Language } from './locale';

const SETTING = 'pantau.language';

declare module 'i18next' {
  interface CustomTypeOptions {
    resources: { translation: typeof en };
  }
}

/** Loads the texts in the remembered or the browser's language. Call once, before rendering. */
export async function startTranslation(): Promise<void> {
  i18next.on('languageChanged', (language) => {
    document.documentElement.lang = language;
  });
  await i18next.use(initReactI18next).init({
    resources: { en: { translation: en }, id: { translation: id } },
    lng: initialLanguage(readSetting(SETTING), navigator.languages),
    fallbackLng: 'en',
    // React escapes what it renders.
    interpolation: { escapeValue: false },
  });
}

export async function chooseLanguage(language: Language): Promise<void> {
  writeSetting(SETTING, language);
  await i18next.changeLanguage(language);
}
