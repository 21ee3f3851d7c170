import { Button, Group } from '@mantine/core';
import { IconCheck, IconClock, IconEyeCheck, IconMoon, IconVolumeOff } from '@tabler/icons-react';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { expireSilence } from '@/api/silences';
import type { Silence } from '@/api/types';
import { Notice } from '@/components/Notice';
import { Tag, type Tone } from '@/components/Tag';
import { useErrorText } from '@/components/useErrorText';
import { formatAbsolute, formatShort } from '@/format/time';
import { useLocale } from '@/i18n/useLocale';
import { SilenceEditor } from './SilenceEditor';
import classes from './SilenceItem.module.css';
import { matcherText, windowText } from './silence';

type Look = { key: 'active' | 'pending' | 'expired' | 'between'; tone: Tone; icon: typeof IconCheck };

function lookOf({ state, mutes_now }: Silence): Look {
  if (state === 'active' && !mutes_now) return { key: 'between', tone: 'unknown', icon: IconMoon };
  if (state === 'active') return { key: 'active', tone: 'info', icon: IconVolumeOff };
  if (state === 'pending') return { key: 'pending', tone: 'warn', icon: IconClock };
  return { key: 'expired', tone: 'unknown', icon: IconCheck };
}

type SilenceItemProps = { silence: Silence; mayChange: boolean; now: number };

/** One silence or acknowledgement: what it mutes, why, from whom, until when; and its end. */
export function SilenceItem({ silence, mayChange, now }: SilenceItemProps) {
  const { t } = useTranslation();
  const { locale } = useLocale();
  const queries = useQueryClient();
  const ending = useMutation({
    mutationFn: () => expireSilence(silence),
    onSettled: () => queries.invalidateQueries({ queryKey: ['monitoring'] }),
  });
  const [changing, setChanging] = useState(false);
  const look = lookOf(silence);
  const time = (text: string) => (
    <time dateTime={text} title={formatAbsolute(Date.parse(text), locale)}>
      {formatShort(Date.parse(text), now, locale)}
    </time>
  );
  return (
    <li className={classes.item} data-state={silence.state} data-testid={`silence-${silence.id}`}>
      <div className={classes.head}>
        <Tag tone={look.tone} icon={look.icon}>
          {t(`silences.state.${look.key}`)}
        </Tag>
        {silence.kind === 'acknowledgement' && (
          <Tag tone="ok" icon={IconEyeCheck}>
            {t('silences.acknowledgement')}
          </Tag>
        )}
        <span className={classes.reason}>{silence.reason}</span>
        {mayChange && silence.state !== 'expired' && (
          <Group gap="xs" className={classes.end}>
            {silence.kind === 'silence' && (
              <Button
                size="compact-sm"
                variant="default"
                onClick={() => setChanging(true)}
                data-testid="silence-change"
              >
                {t('silences.change')}
              </Button>
            )}
            <Button
              size="compact-sm"
              variant="default"
              loading={ending.isPending}
              onClick={() => ending.mutate()}
              data-testid="silence-expire"
            >
              {t('silences.end')}
            </Button>
          </Group>
        )}
      </div>
      <div className={classes.matchers}>
        {silence.matchers.map((one) => (
          <code key={matcherText(one)}>{matcherText(one)}</code>
        ))}
      </div>
      <p className={classes.facts}>
        <span>
          {time(silence.starts_at)} – {time(silence.ends_at)}
        </span>
        <span>{t('silences.by', { who: silence.created_by })}</span>
        {silence.matches !== null && silence.state !== 'expired' && (
          <span>{t('silences.matches', { count: silence.matches })}</span>
        )}
        {silence.alert !== null && (
          <Link to="/alerts/$id" params={{ id: silence.alert }}>
            {t('silences.toAlert')}
          </Link>
        )}
      </p>
      {silence.windows.map((one) => {
        const text = windowText(one, (day) => t(`silences.day.${day}`));
        return (
          <p key={text} className={classes.facts}>
            {t('silences.onlyIn', { window: text })}
          </p>
        );
      })}
      {ending.isError && <Refused error={ending.error} />}
      {changing && <SilenceEditor silence={silence} onClose={() => setChanging(false)} />}
    </li>
  );
}

function Refused({ error }: { error: unknown }) {
  const { text, detail } = useErrorText(error);
  return (
    <Notice tone="bad" role="alert">
      {text} {detail}
    </Notice>
  );
}
