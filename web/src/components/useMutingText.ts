import { useTranslation } from 'react-i18next';
import { mutedBy, parentOf } from '@/format/muting';

/** Says what held an alert back, in words, from what the ledger calls it. */
export function useMutingText(): (by: string) => string {
  const { t } = useTranslation();
  return (by) => {
    const { kind, subject } = mutedBy(by);
    const isParent = kind === 'dependency' || kind === 'suspected';
    return t(`muting.by.${kind}`, { subject: isParent ? (parentOf(subject) ?? t('muting.by.something')) : subject });
  };
}
