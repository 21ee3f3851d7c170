import { SegmentedControl, VisuallyHidden } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { chooseLanguage } from '@/i18n/i18n';
import { isLanguage, LANGUAGES } from '@/i18n/locale';
import { useLocale } from '@/i18n/useLocale';

export function LanguageSwitch() {
  const { t } = useTranslation();
  const { language } = useLocale();
  return (
    <SegmentedControl
      data-testid="language-switch"
      aria-label={t('language.label')}
      size="xs"
      value={language}
      onChange={(value) => {
        if (isLanguage(value)) void chooseLanguage(value);
      }}
      data={LANGUAGES.map((value) => ({
        value,
        label: (
          <span title={t(`language.${value}`)}>
            <span aria-hidden="true">{value.toUpperCase()}</span>
            <VisuallyHidden>{t(`language.${value}`)}</VisuallyHidden>
          </span>
        ),
      }))}
    />
  );
}
