import {
  IconBellOff,
  IconClockPause,
  IconEyeCheck,
  IconHelp,
  IconHierarchy2,
  IconVolumeOff,
} from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import type { Mute } from '@/api/types';
import { mutedBy } from '@/format/muting';
import { formatMinute, parseTime } from '@/format/time';
import { useLocale } from '@/i18n/useLocale';
import classes from './MuteTags.module.css';
import { Tag } from './Tag';

const ICONS = {
  silence: IconVolumeOff,
  acknowledgement: IconEyeCheck,
  inhibited: IconHierarchy2,
  dependency: IconHierarchy2,
  suspected: IconHelp,
  muteTime: IconClockPause,
} as const;

/** What keeps an alert from being told, in words: by whom or what, and until when. */
export function MuteTags({ mutes, now }: { mutes: readonly Mute[]; now: number }) {
  const { t } = useTranslation();
  const { locale } = useLocale();
  if (mutes.length === 0) return null;
  const sentence = ({ by, name, until, receivers }: Mute): string => {
    const end = parseTime(until);
    const what = t(`muting.now.${kindOf(by)}`, { name });
    const whom = receivers.length === 0 ? what : t('muting.now.kept', { what, receivers: receivers.join(', ') });
    return end === null ? whom : t('muting.now.until', { what: whom, time: formatMinute(end, now, locale) });
  };
  return (
    <ul className={classes.list} data-testid="alert-muted-by">
      {mutes.map((one) => (
        <li key={`${one.by} ${one.until}`}>
          <Tag
            tone={kindOf(one.by) === 'acknowledgement' ? 'ok' : 'info'}
            icon={iconOf(one.by)}
            title={one.reason || undefined}
            wraps
          >
            {sentence(one)}
          </Tag>
        </li>
      ))}
    </ul>
  );
}

/** One of the kinds that mute an alert itself; what a newer api may add is said in its own words. */
function kindOf(by: string): keyof typeof ICONS | 'other' {
  const { kind } = mutedBy(by);
  return kind in ICONS ? (kind as keyof typeof ICONS) : 'other';
}

function iconOf(by: string) {
  const kind = kindOf(by);
  return kind === 'other' ? IconBellOff : ICONS[kind];
}
