import { IconAlertTriangleFilled, IconCircleCheckFilled, IconCircleXFilled, IconHelpCircle } from '@tabler/icons-react';
import type { HealthStatus } from '@/api/types';

const ICONS: Record<HealthStatus, typeof IconHelpCircle> = {
  healthy: IconCircleCheckFilled,
  degraded: IconAlertTriangleFilled,
  unhealthy: IconCircleXFilled,
  unknown: IconHelpCircle,
};

const COLORS: Record<HealthStatus, string> = {
  healthy: 'var(--ok-mark)',
  degraded: 'var(--warn-mark)',
  unhealthy: 'var(--bad-mark)',
  unknown: 'var(--unknown-mark)',
};

/** The sign of a health status: a shape of its own for each, besides its colour. The word stands next to it. */
export function HealthIcon({ status, size }: { status: HealthStatus; size: string }) {
  const Icon = ICONS[status];
  return <Icon size={size} color={COLORS[status]} aria-hidden style={{ flex: 'none' }} />;
}
