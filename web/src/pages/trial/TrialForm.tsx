import { Button, Checkbox, NativeSelect, Textarea, TextInput } from '@mantine/core';
import { IconPlayerPlay, IconPlayerStop } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { type FormEvent, type RefObject, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { rulesQuery } from '@/api/rules';
import { serverNow } from '@/live/serverClock';
import { isRange, RANGES, type Range, stretchOf } from './outcome';
import { trialRoute } from './route';
import classes from './TrialPage.module.css';

export type Choice = { range: Range; from: string; to: string; compare: boolean };

type TrialFormProps = {
  area: RefObject<HTMLTextAreaElement | null>;
  /** The group in force that the text began with. */
  name: string | null;
  text: string;
  onText: (text: string) => void;
  running: boolean;
  onRun: (choice: Choice) => void;
  onStop: () => void;
};

export function TrialForm({ area, name, text, onText, running, onRun, onStop }: TrialFormProps) {
  const { t } = useTranslation();
  const navigate = useNavigate({ from: trialRoute.fullPath });
  const groups = useQuery(rulesQuery).data ?? [];
  const [choice, setChoice] = useState<Choice>({ range: '24h', from: '', to: '', compare: name !== null });
  const [faulty, setFaulty] = useState<{ text: boolean; range: boolean }>({ text: false, range: false });

  const submit = (event: FormEvent) => {
    event.preventDefault();
    const found = {
      text: text.trim() === '',
      range: stretchOf(choice.range, choice.from, choice.to, serverNow()) === null,
    };
    setFaulty(found);
    if (!found.text && !found.range) onRun(choice);
  };
  return (
    <form className={classes.form} aria-label={t('trial.form.label')} onSubmit={submit} noValidate>
      <Textarea
        ref={area}
        className={classes.text}
        label={t('trial.form.rules')}
        description={t('trial.form.rulesHint')}
        data-testid="trial-text"
        error={faulty.text && t('trial.form.textMissing')}
        spellCheck={false}
        autoCapitalize="off"
        value={text}
        onChange={(event) => onText(event.currentTarget.value)}
      />
      <div className={classes.side}>
        <NativeSelect
          label={t('trial.form.load')}
          data-testid="trial-load"
          value={name ?? ''}
          onChange={(event) => {
            const chosen = event.currentTarget.value;
            void navigate({ search: chosen === '' ? {} : { name: chosen }, replace: true });
          }}
          data={[
            { value: '', label: t('trial.form.loadNothing') },
            ...[...new Set([...(name === null ? [] : [name]), ...groups.map((group) => group.name)])],
          ]}
        />
        <NativeSelect
          label={t('trial.form.range')}
          data-testid="trial-range"
          value={choice.range}
          error={faulty.range && t('trial.form.rangeMissing')}
          onChange={(event) => {
            const range = event.currentTarget.value;
            if (isRange(range)) setChoice({ ...choice, range });
          }}
          data={RANGES.map((value) => ({ value, label: t(`trial.form.ranges.${value}`) }))}
        />
        {choice.range === 'own' &&
          (['from', 'to'] as const).map((side) => (
            <TextInput
              key={side}
              type="datetime-local"
              step={1}
              label={t(`trial.form.${side}`)}
              value={choice[side]}
              onChange={(event) => setChoice({ ...choice, [side]: event.currentTarget.value })}
            />
          ))}
        <Checkbox
          label={t('trial.form.compare')}
          data-testid="trial-compare"
          checked={choice.compare}
          onChange={(event) => setChoice({ ...choice, compare: event.currentTarget.checked })}
        />
        <div className={classes.buttons}>
          <Button type="submit" disabled={running} leftSection={<IconPlayerPlay size="1rem" />} data-testid="trial-run">
            {t('trial.form.run')}
          </Button>
          {running && (
            <Button variant="default" leftSection={<IconPlayerStop size="1rem" />} onClick={onStop}>
              {t('trial.form.stop')}
            </Button>
          )}
        </div>
      </div>
    </form>
  );
}
