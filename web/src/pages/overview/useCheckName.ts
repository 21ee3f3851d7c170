import { useTranslation } from 'react-i18next';
import { titleFromName } from '@/format/number';

/** A check's name in words: translated where it is one of Pantau's own, else made readable. */
export function useCheckName(): (name: string) => string {
  const { t, i18n } = useTranslation();
  return (name) =>
    i18n.exists(`health.name.${name}`) ? t(`health.name.${name}` as 'health.name.kafka') : titleFromName(name);
}
