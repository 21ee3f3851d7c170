/** Which language the page speaks, and in which locale it writes numbers and dates. */

export const LANGUAGES = ['id', 'en'] as const;
export type Language = (typeof LANGUAGES)[number];

export function isLanguage(value: unknown): value is Language {
  return LANGUAGES.some((language) => language === value);
}

/** The remembered choice; without one Indonesian for an Indonesian browser, else English. */
export function initialLanguage(remembered: string | null, browser: readonly string[]): Language {
  if (isLanguage(remembered)) return remembered;
  // "in" is what old browsers call Indonesian.
  return /^(id|in)(-|$)/i.test(browser[0] ?? '') ? 'id' : 'en';
}

/** The browser's own variant of the language (en-AU, ...) where it has one; else the one closest to Indonesia. */
export function formatLocale(language: Language, browser: readonly string[]): string {
  const own = browser.find((tag) => tag.toLowerCase().startsWith(`${language}-`));
  return own ?? (language === 'id' ? 'id-ID' : 'en-GB');
}
