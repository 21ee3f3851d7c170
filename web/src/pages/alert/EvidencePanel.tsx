import { SegmentedControl } from '@mantine/core';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Transition } from '@/api/types';
import { Panel } from '@/components/Panel';
import classes from './EvidencePanel.module.css';
import { SeriesEvidence } from './SeriesEvidence';
import { firstShown } from './timeline';

const OPEN = 2;

/** The series and samples that decided a transition, with their place on the bus. */
export function EvidencePanel({ transitions, now }: { transitions: readonly Transition[]; now: number }) {
  const { t } = useTranslation();
  const [chosen, setChosen] = useState<number | null>(null);
  const number = chosen ?? firstShown(transitions);
  const shown = transitions.find(({ transition }) => transition === number);
  return (
    <Panel
      title={t('alertPages.evidence.title')}
      testId="alert-evidence"
      aside={
        transitions.length > 1 && (
          <SegmentedControl
            size="xs"
            aria-label={t('alertPages.evidence.of')}
            data-testid="evidence-transition"
            value={String(number)}
            onChange={(value) => setChosen(Number(value))}
            data={transitions.map(({ transition, state }) => ({
              value: String(transition),
              label: t(`alertPages.state.${state}`),
            }))}
          />
        )
      }
    >
      {shown === undefined || shown.evidence.series.length === 0 ? (
        <p className={classes.note}>{t('alertPages.evidence.none')}</p>
      ) : (
        <Series key={shown.id} transition={shown} now={now} />
      )}
    </Panel>
  );
}

function Series({ transition, now }: { transition: Transition; now: number }) {
  const { t } = useTranslation();
  const { series, total_series: total, topic } = transition.evidence;
  return (
    <>
      <p className={classes.note} data-testid="evidence-total">
        {series.length < total
          ? t('alertPages.evidence.seriesOf', { shown: series.length, count: total })
          : t('alertPages.evidence.series', { count: total })}
      </p>
      <ul className={classes.list}>
        {series.map((one, place) => (
          <SeriesEvidence
            key={one.series}
            series={one}
            topic={topic}
            threshold={typeof transition.threshold === 'number' ? transition.threshold : null}
            initiallyOpen={place < OPEN}
            now={now}
          />
        ))}
      </ul>
    </>
  );
}
