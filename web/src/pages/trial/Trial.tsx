import { useQuery } from '@tanstack/react-query';
import { useEffect, useEffectEvent, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { ruleFileQuery } from '@/api/rules';
import { Notice } from '@/components/Notice';
import { serverNow } from '@/live/serverClock';
import { EXAMPLE } from './example';
import { OutcomeView } from './OutcomeView';
import { spanOfLine, stretchOf } from './outcome';
import { type Choice, TrialForm } from './TrialForm';
import { TrialProgress } from './TrialProgress';
import { TrialRefused } from './TrialRefused';
import { useTrial } from './useTrial';

/** The form, and below it what the run tells, as it comes. `name`: a group in force to begin with. */
export function Trial({ name }: { name: string | null }) {
  const { t } = useTranslation();
  const area = useRef<HTMLTextAreaElement>(null);
  const [text, setText] = useState(name === null ? EXAMPLE : '');
  const loading = useQuery({ ...ruleFileQuery(name ?? ''), enabled: name !== null });
  const { phase, outcome, error, run, stop } = useTrial();

  // What was loaded is put in once; from then on the text is the user's.
  const loaded = loading.data;
  const put = useEffectEvent((file: string) => {
    if (text === '') setText(file);
  });
  useEffect(() => {
    if (loaded !== undefined) put(loaded);
  }, [loaded]);

  const start = ({ range, from, to, compare }: Choice) => {
    const stretch = stretchOf(range, from, to, serverNow());
    if (stretch === null) return;
    run({
      file: text,
      start: new Date(stretch.start).toISOString(),
      end: new Date(stretch.end).toISOString(),
      compare,
      evidence: false,
    });
  };
  const goTo = (line: number) => {
    const span = spanOfLine(text, line);
    if (area.current === null || span === null) return;
    area.current.focus();
    area.current.setSelectionRange(...span);
  };
  return (
    <>
      {loading.isError && (
        <Notice tone="warn" role="alert">
          {t('trial.form.loadFailed')}
        </Notice>
      )}
      <TrialForm
        area={area}
        name={name}
        text={text}
        onText={setText}
        running={phase === 'running'}
        onRun={start}
        onStop={stop}
      />
      {phase === 'running' && outcome.summary === null && <TrialProgress done={outcome.done} />}
      {phase === 'failed' && <TrialRefused error={error} onLine={goTo} />}
      {outcome.error !== null && (
        <Notice tone="bad" role="alert" testId="trial-error">
          <strong>{t('trial.failed')}</strong>
          <br />
          {outcome.error}
        </Notice>
      )}
      {phase === 'stopped' && (
        <Notice tone="info" role="status">
          {t('trial.stopped')}
        </Notice>
      )}
      <OutcomeView outcome={outcome} />
    </>
  );
}
