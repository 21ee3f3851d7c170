import { UnstyledButton } from '@mantine/core';
import { IconChevronRight, IconFlame, IconHourglass } from '@tabler/icons-react';
import { useId, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { RuleChange } from '@/api/rules';
import type { RuleGroup } from '@/api/types';
import { Notice } from '@/components/Notice';
import { RelativeTime } from '@/components/RelativeTime';
import { Tag } from '@/components/Tag';
import { ShadowTag } from '@/components/tags';
import { formatMilliseconds } from '@/format/number';
import { formatAbsolute, formatDuration, formatShort, parseTime } from '@/format/time';
import { useLocale } from '@/i18n/useLocale';
import { conditionOf, hasShadow, silenceOf } from './condition';
import classes from './GroupCard.module.css';
import { GroupDetails } from './GroupDetails';
import { GroupMenu } from './GroupMenu';
import { RuleItem } from './RuleItem';
import { StateTag } from './StateTag';

type GroupCardProps = {
  group: RuleGroup;
  /** One of a few that were searched for: its rules are shown at once. */
  found: boolean;
  now: number;
  /** Asks for a change; null for those who may make none. */
  onChange: ((change: RuleChange) => void) | null;
};

/** A rule group: how its evaluation goes, and, opened, its rules. One with problems is open from the beginning. */
export function GroupCard({ group, found, now, onChange }: GroupCardProps) {
  const content = useId();
  const [chosen, setChosen] = useState<boolean | null>(null);
  const condition = conditionOf(group);
  const open = chosen ?? (found || condition === 'problems');
  return (
    <section className={classes.card} data-testid={`group-${group.name}`} data-condition={condition}>
      <div className={classes.head}>
        <h2 className={classes.title}>
          <UnstyledButton
            className={classes.toggle}
            aria-expanded={open}
            aria-controls={content}
            data-testid="group-toggle"
            onClick={() => setChosen(!open)}
          >
            <IconChevronRight className={classes.chevron} size="1rem" aria-hidden />
            <span className={classes.first}>
              <span className={classes.name}>{group.name}</span>
              <StateTag condition={condition} />
              <Counts group={group} />
              {hasShadow(group) && <ShadowTag />}
            </span>
            <Facts group={group} now={now} />
          </UnstyledButton>
        </h2>
        {onChange !== null && (
          <div className={classes.menu}>
            <GroupMenu group={group} onChange={onChange} />
          </div>
        )}
      </div>
      <Trouble group={group} now={now} />
      <div id={content} hidden={!open}>
        {open && (
          <>
            <GroupDetails group={group} now={now} />
            <ul className={classes.rules}>
              {group.rules.map((rule, place) => (
                <RuleItem
                  // biome-ignore lint/suspicious/noArrayIndexKey: a rule is named by its place; names may repeat.
                  key={place}
                  group={group}
                  rule={rule}
                  place={place}
                  onChange={onChange}
                />
              ))}
            </ul>
          </>
        )}
      </div>
    </section>
  );
}

function Counts({ group: { status } }: { group: RuleGroup }) {
  const { t } = useTranslation();
  const { firing, pending } = status;
  return (
    <>
      {firing !== null && firing > 0 && (
        <Tag tone="bad" icon={IconFlame}>
          {t('rules.firing', { count: firing })}
        </Tag>
      )}
      {pending !== null && pending > 0 && (
        <Tag tone="warn" icon={IconHourglass}>
          {t('rules.pending', { count: pending })}
        </Tag>
      )}
    </>
  );
}

function Facts({ group, now }: { group: RuleGroup; now: number }) {
  const { t } = useTranslation();
  const { locale } = useLocale();
  const { interval_seconds: interval, status } = group;
  const updated = parseTime(group.updated_at);
  const instant = parseTime(status.last_instant);
  const version = t('rules.versionHint', {
    version: group.version,
    who: group.updated_by,
    time: updated === null ? '' : formatAbsolute(updated, locale),
  });
  return (
    <span className={classes.facts}>
      <span>{t('rules.ruleCount', { count: group.rules.length })}</span>
      <span>
        {interval === null
          ? t('rules.everyDefault')
          : t('rules.every', { interval: formatDuration(interval, locale, 'short') })}
      </span>
      {group.immediate && <span title={t('rules.immediateHint')}>{t('rules.immediate')}</span>}
      <span title={version} data-testid="group-version">
        {t('rules.version', { version: group.version })}
      </span>
      <span title={t(`rules.originHint.${group.origin}`)}>{t(`rules.origin.${group.origin}`)}</span>
      {instant !== null && (
        <span>
          <RelativeTime time={instant} now={now} say={(time) => t('rules.evaluated', { time })} />
          {status.evaluation_seconds !== null &&
            `, ${t('rules.took', { duration: formatMilliseconds(status.evaluation_seconds * 1000, locale) })}`}
        </span>
      )}
      {instant === null && group.enabled && <span>{t('rules.neverEvaluated')}</span>}
    </span>
  );
}

/** What keeps the group, or rules of it, from being evaluated. */
function Trouble({ group, now }: { group: RuleGroup; now: number }) {
  const { t } = useTranslation();
  const { locale } = useLocale();
  const { status } = group;
  const silence = silenceOf(group);
  const listed = status.problems.length;
  if (status.state !== 'refused' && silence === null && status.problem_count === 0) return null;
  return (
    <div className={classes.notes}>
      {status.state === 'refused' && (
        <Notice tone="bad" testId="group-reason">
          {status.reason === null ? t('rules.refusedNoReason') : t('rules.refused', { reason: status.reason })}
        </Notice>
      )}
      {silence !== null && (
        <Notice tone="unknown" testId="group-reason">
          {silence.why === 'never' && t('rules.silence.never')}
          {silence.why === 'otherVersion' &&
            t('rules.silence.otherVersion', { version: group.version, told: silence.version })}
          {silence.why === 'silent' &&
            t('rules.silence.silent', { time: formatShort(Date.parse(silence.since), now, locale) })}
        </Notice>
      )}
      {status.problem_count > 0 && (
        <Notice tone="warn" testId="group-problems">
          {t('rules.problems', { count: status.problem_count })}
          {listed < status.problem_count && `. ${t('rules.problemsListed', { listed, count: status.problem_count })}`}
        </Notice>
      )}
    </div>
  );
}
