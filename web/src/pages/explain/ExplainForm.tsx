import { Autocomplete, Button, NativeSelect, TextInput } from '@mantine/core';
import { IconHelpHexagon } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { rulesQuery } from '@/api/rules';
import type { RuleGroup } from '@/api/types';
import { toLocalInput } from '@/format/time';
import classes from './ExplainForm.module.css';
import type { ExplainSearch } from './explainSearch';

type ExplainFormProps = { search: ExplainSearch; busy: boolean; onAsk: (search: ExplainSearch) => void };

/** Which rule, and at which instant. Rules that are gone can be named, too. */
export function ExplainForm({ search, busy, onAsk }: ExplainFormProps) {
  const { t } = useTranslation();
  const groups = useQuery(rulesQuery).data ?? [];
  const [rule, setRule] = useState(search.rule ?? '');
  const [at, setAt] = useState(search.at === undefined ? '' : toLocalInput(Date.parse(search.at)));
  const [group, setGroup] = useState(search.group ?? '');
  const [place, setPlace] = useState(search.place === undefined ? '' : String(search.place));
  const [labels, setLabels] = useState(search.labels ?? '');
  const [version, setVersion] = useState<string>(search.version ?? '');
  const [missing, setMissing] = useState(false);
  const places = placesOf(groups, group, rule.trim());

  const ask = (event: FormEvent) => {
    event.preventDefault();
    const name = rule.trim();
    setMissing(name === '');
    if (name === '') return;
    const time = Date.parse(at);
    onAsk({
      rule: name,
      ...(Number.isNaN(time) ? {} : { at: new Date(time).toISOString() }),
      ...(group === '' ? {} : { group }),
      ...(place === '' || group === '' ? {} : { place: Number(place) }),
      ...(labels.trim() === '' ? {} : { labels: labels.trim() }),
      ...(version === 'then' || version === 'now' ? { version } : {}),
    });
  };
  return (
    <form className={classes.form} aria-label={t('explain.form.label')} onSubmit={ask} noValidate>
      <Autocomplete
        label={t('explain.form.rule')}
        placeholder={t('explain.form.rulePlaceholder')}
        data-testid="explain-rule"
        data={ruleNames(groups)}
        limit={50}
        maxDropdownHeight={320}
        error={missing && t('explain.form.ruleMissing')}
        value={rule}
        onChange={(value) => {
          setRule(value);
          // Another rule is in another group, maybe.
          setGroup('');
          setPlace('');
        }}
      />
      <TextInput
        type="datetime-local"
        step={1}
        label={t('explain.form.at')}
        description={t('explain.form.atHint')}
        inputWrapperOrder={['label', 'input', 'description', 'error']}
        data-testid="explain-at"
        value={at}
        onChange={(event) => setAt(event.currentTarget.value)}
      />
      <NativeSelect
        label={t('explain.form.version')}
        value={version}
        onChange={(event) => setVersion(event.currentTarget.value)}
        data={[
          { value: '', label: t('explain.form.versions.auto') },
          { value: 'then', label: t('explain.form.versions.asThen') },
          { value: 'now', label: t('explain.form.versions.asNow') },
        ]}
      />
      <div className={classes.more}>
        <TextInput
          label={t('explain.form.labels')}
          description={t('explain.form.labelsHint')}
          inputWrapperOrder={['label', 'input', 'description', 'error']}
          placeholder={'{host="web-1"}'}
          spellCheck={false}
          data-testid="explain-labels"
          value={labels}
          onChange={(event) => setLabels(event.currentTarget.value)}
        />
        <NativeSelect
          label={t('explain.form.group')}
          data-testid="explain-group"
          value={group}
          onChange={(event) => {
            setGroup(event.currentTarget.value);
            setPlace('');
          }}
          data={[{ value: '', label: t('explain.form.anyGroup') }, ...groupNames(groups, rule.trim(), group)]}
        />
        {(places.length > 1 || place !== '') && (
          <NativeSelect
            label={t('explain.form.place')}
            data-testid="explain-place"
            value={place}
            onChange={(event) => setPlace(event.currentTarget.value)}
            data={[
              { value: '', label: t('explain.form.anyPlace') },
              ...places.map((at) => ({ value: String(at), label: String(at + 1) })),
            ]}
          />
        )}
        <Button
          className={classes.submit}
          type="submit"
          loading={busy}
          leftSection={<IconHelpHexagon size="1rem" />}
          data-testid="explain-submit"
        >
          {t('explain.form.submit')}
        </Button>
      </div>
    </form>
  );
}

function ruleNames(groups: readonly RuleGroup[]): string[] {
  return [...new Set(groups.flatMap((group) => group.rules.map(({ name }) => name)))].sort();
}

/** Those that have the rule now, and the one that was named, which may be gone. */
function groupNames(groups: readonly RuleGroup[], rule: string, named: string): string[] {
  const having = groups.filter((group) => group.rules.some(({ name }) => name === rule)).map(({ name }) => name);
  return [...new Set([...having, ...(named === '' ? [] : [named])])];
}

function placesOf(groups: readonly RuleGroup[], group: string, rule: string): number[] {
  const rules = groups.find(({ name }) => name === group)?.rules ?? [];
  return rules.flatMap(({ name }, place) => (name === rule ? [place] : []));
}
