import { IconAlertOctagonFilled, IconAlertTriangleFilled, IconInfoCircleFilled } from '@tabler/icons-react';
import type { Severity } from '@/api/types';

const ICONS: Record<Severity, typeof IconInfoCircleFilled> = {
  critical: IconAlertOctagonFilled,
  warning: IconAlertTriangleFilled,
  info: IconInfoCircleFilled,
};

const COLORS: Record<Severity, string> = {
  critical: 'var(--bad-mark)',
  warning: 'var(--warn-mark)',
  info: 'var(--info-mark)',
};

/** The sign of a severity; grey once the alert is over. The word stands next to it. */
export function SeverityIcon({ severity, dimmed }: { severity: Severity; dimmed: boolean }) {
  const Icon = ICONS[severity];
  return (
    <Icon
      size="1.25rem"
      color={dimmed ? 'var(--unknown-mark)' : COLORS[severity]}
      aria-hidden
      style={{ flex: 'none', marginTop: '0.0625rem' }}
    />
  );
}
