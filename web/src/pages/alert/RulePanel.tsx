import { IconListDetails } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import type { AlertDetail } from '@/api/types';
import { Expression } from '@/components/Expression';
import { Fact, Facts } from '@/components/Facts';
import { Notice } from '@/components/Notice';
import { Panel } from '@/components/Panel';
import classes from './RulePanel.module.css';

/** The rule that decided, in the version that did, and what has become of it. */
export function RulePanel({ detail }: { detail: AlertDetail }) {
  const { t } = useTranslation();
  const { rule, alert, fingerprint } = detail;
  const annotations = Object.entries(alert.annotations);
  return (
    <Panel title={t('alertPages.rule.title')} testId="alert-rule">
      <div className={classes.body}>
        <Expression expr={rule.expr} testId="alert-expr" />
        <Notice tone={rule.now === 'same' ? 'info' : 'warn'}>{t(`alertPages.rule.now.${rule.now}`)}</Notice>
        <Facts>
          <Fact name={t('alertPages.facts.group')}>{rule.group}</Fact>
          {rule.group_version !== null && <Fact name={t('alertPages.facts.groupVersion')}>{rule.group_version}</Fact>}
          {rule.rule_version !== null && (
            <Fact name={t('alertPages.facts.version')} hint={rule.rule_version} testId="alert-rule-version">
              <span className={classes.hash}>{rule.rule_version.slice(0, 12)}</span>
            </Fact>
          )}
          {fingerprint !== null && (
            <Fact name={t('alertPages.facts.fingerprint')}>
              <span className={classes.hash}>{fingerprint}</span>
            </Fact>
          )}
        </Facts>
        {rule.now !== 'gone' && (
          <Link className={classes.link} to="/rules" search={{ q: rule.name }}>
            <IconListDetails size="0.9375rem" aria-hidden />
            {t('alertPages.rule.open')}
          </Link>
        )}
        {annotations.length > 0 && (
          <dl className={classes.annotations} aria-label={t('alertPages.annotations')}>
            {annotations.map(([name, text]) => (
              <div key={name}>
                <dt>{name}</dt>
                <dd>{text}</dd>
              </div>
            ))}
          </dl>
        )}
      </div>
    </Panel>
  );
}
