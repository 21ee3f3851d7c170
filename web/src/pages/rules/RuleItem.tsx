import { Button } from '@mantine/core';
import { IconBell, IconHelpHexagon, IconMaskOff, IconPlayerRecord } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import type { RuleChange } from '@/api/rules';
import type { Rule, RuleGroup } from '@/api/types';
import { Expression } from '@/components/Expression';
import { Labels } from '@/components/Labels';
import { Notice } from '@/components/Notice';
import { Tag } from '@/components/Tag';
import { SeverityTag, ShadowTag } from '@/components/tags';
import { formatDuration } from '@/format/time';
import { useLocale } from '@/i18n/useLocale';
import classes from './RuleItem.module.css';

type RuleItemProps = {
  group: RuleGroup;
  rule: Rule;
  place: number;
  onChange: ((change: RuleChange) => void) | null;
};

/** One rule as it is in force; what keeps it from being evaluated stands right at it. */
export function RuleItem({ group, rule, place, onChange }: RuleItemProps) {
  const { t } = useTranslation();
  const twice = group.rules.some((other, at) => at !== place && other.name === rule.name);
  return (
    <li className={classes.rule} data-testid={`rule-${rule.name}`} data-problem={rule.problem !== null}>
      <div className={classes.head}>
        <h3 className={classes.name}>{rule.name}</h3>
        {rule.kind === 'record' && <Tag icon={IconPlayerRecord}>{t('rules.kind.record')}</Tag>}
        {rule.severity !== null && <SeverityTag severity={rule.severity} />}
        {rule.shadow && <ShadowTag />}
        <Times rule={rule} />
      </div>
      {rule.problem !== null && (
        <Notice tone="bad" testId="rule-problem">
          {t('rules.problem', { reason: rule.problem })}
        </Notice>
      )}
      <Expression expr={rule.expr} />
      {rule.message !== null && rule.message !== '' && rule.message !== rule.name && (
        <p className={classes.message}>{rule.message}</p>
      )}
      <Labels labels={ownLabels(rule)} />
      <div className={classes.links}>
        <Link
          className={classes.link}
          to="/explain"
          search={{ rule: rule.name, group: group.name, ...(twice ? { place } : {}) }}
          data-testid="rule-why"
        >
          <IconHelpHexagon size="0.9375rem" aria-hidden />
          {t('rules.why')}
        </Link>
        {rule.kind === 'alert' && (
          <Link
            className={classes.link}
            to="/alerts"
            search={{ q: rule.name, ...(rule.shadow ? { shadow: 'all' as const } : {}) }}
          >
            <IconBell size="0.9375rem" aria-hidden />
            {t('rules.itsAlerts')}
          </Link>
        )}
        {rule.shadow && onChange !== null && group.origin === 'api' && (
          <Button
            size="compact-xs"
            variant="default"
            leftSection={<IconMaskOff size="0.875rem" />}
            data-testid="rule-promote"
            onClick={() => onChange({ kind: 'promote', group, rule: rule.name })}
          >
            {t('rules.action.promote')}
          </Button>
        )}
      </div>
    </li>
  );
}

/** Those that say more than the severity beside the name. */
function ownLabels({ labels, severity }: Rule): Record<string, string> {
  return Object.fromEntries(
    Object.entries(labels).filter(([name, value]) => name !== 'severity' || value !== severity),
  );
}

function Times({ rule }: { rule: Rule }) {
  const { t } = useTranslation();
  const { locale } = useLocale();
  const duration = (seconds: number) => formatDuration(seconds, locale, 'short');
  return (
    <span className={classes.times}>
      {rule.for_seconds > 0 && (
        <span title={t('rules.forHint')}>{t('rules.for', { duration: duration(rule.for_seconds) })}</span>
      )}
      {rule.keep_firing_for_seconds > 0 && (
        <span title={t('rules.keepFiringHint')}>
          {t('rules.keepFiring', { duration: duration(rule.keep_firing_for_seconds) })}
        </span>
      )}
      {rule.cooldown > 0 && (
        <span title={t('rules.cooldownHint')}>{t('rules.cooldown', { duration: duration(rule.cooldown / 1000) })}</span>
      )}
    </span>
  );
}
