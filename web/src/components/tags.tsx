import { IconCircleCheck, IconFlame, IconGhost, IconHourglass } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import type { AlertStatus, Severity } from '@/api/types';
import { Tag, type Tone } from './Tag';

const SEVERITY_TONES: Record<Severity, Tone> = { critical: 'bad', warning: 'warn', info: 'info' };
const STATUS_TONES: Record<AlertStatus, Tone> = { pending: 'warn', firing: 'bad', resolved: 'ok' };
export const STATUS_ICONS: Record<AlertStatus, typeof IconFlame> = {
  pending: IconHourglass,
  firing: IconFlame,
  resolved: IconCircleCheck,
};

export function SeverityTag({ severity }: { severity: Severity }) {
  const { t } = useTranslation();
  return <Tag tone={SEVERITY_TONES[severity]}>{t(`alerts.severity.${severity}`)}</Tag>;
}

export function StatusTag({ status, testId }: { status: AlertStatus; testId?: string }) {
  const { t } = useTranslation();
  return (
    <Tag tone={STATUS_TONES[status]} icon={STATUS_ICONS[status]} {...(testId === undefined ? {} : { testId })}>
      {t(`alerts.status.${status}`)}
    </Tag>
  );
}

/** On everything that a rule on trial has to do with: it runs, and nobody is told. */
export function ShadowTag() {
  const { t } = useTranslation();
  return (
    <Tag tone="shadow" icon={IconGhost} title={t('rules.shadowHint')} testId="shadow">
      {t('rules.shadow')}
    </Tag>
  );
}
