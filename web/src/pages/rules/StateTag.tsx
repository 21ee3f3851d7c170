import {
  IconAlertTriangleFilled,
  IconCircleCheckFilled,
  IconCircleXFilled,
  IconHelpCircle,
  IconHourglass,
  IconPlayerPauseFilled,
} from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { Tag, type Tone } from '@/components/Tag';
import type { Condition } from './condition';

const LOOKS: Record<Condition, { icon: typeof IconHelpCircle; tone: Tone }> = {
  active: { icon: IconCircleCheckFilled, tone: 'ok' },
  filling: { icon: IconHourglass, tone: 'info' },
  refused: { icon: IconCircleXFilled, tone: 'bad' },
  problems: { icon: IconAlertTriangleFilled, tone: 'warn' },
  unknown: { icon: IconHelpCircle, tone: 'unknown' },
  disabled: { icon: IconPlayerPauseFilled, tone: 'unknown' },
};

/** How a group stands: a sign of its own for each state, and the word. */
export function StateTag({ condition }: { condition: Condition }) {
  const { t } = useTranslation();
  const { icon, tone } = LOOKS[condition];
  return (
    <Tag tone={tone} icon={icon} title={t(`rules.stateHint.${condition}`)} testId="group-state">
      {t(`rules.state.${condition}`)}
    </Tag>
  );
}
