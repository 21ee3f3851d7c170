import { IconCircleMinus } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import type { Transition } from '@/api/types';
import { Tag } from '@/components/Tag';
import { StatusTag } from '@/components/tags';

/** The state that a transition led to; "inactive" is the end of what never fired. */
export function StateWord({ state }: { state: Transition['state'] }) {
  const { t } = useTranslation();
  if (state !== 'inactive') return <StatusTag status={state} />;
  return <Tag icon={IconCircleMinus}>{t('alertPages.state.inactive')}</Tag>;
}
