import { useTranslation } from 'react-i18next';
import { titleFromName } from '@/format/number';
import { checkParts } from './checkName';

/** A check's name in words: its kind translated where it is one of Pantau's own, else made readable; then its target. */
export function useCheckName(): (name: string) => string {
  const { t, i18n } = useTranslation();
  return (name) => {
    const { kind, target } = checkParts(name);
    const known = /^[a-z_]+$/.test(kind) && i18n.exists(`health.name.${kind}`);
    const title = known ? t(`health.name.${kind}` as 'health.name.kafka') : titleFromName(kind);
    return target === null ? title : `${title} · ${target}`;
  };
}
