import { Button, Group } from '@mantine/core';
import { IconBellOff, IconEyeCheck } from '@tabler/icons-react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { acknowledgeAlert, mutingQuery, unacknowledgeAlert } from '@/api/silences';
import type { AlertDetail } from '@/api/types';
import { Notice } from '@/components/Notice';
import { Panel } from '@/components/Panel';
import { useErrorText } from '@/components/useErrorText';
import { useMayChange } from '@/components/useMayChange';
import { SilenceItem } from '../silences/SilenceItem';
import list from '../silences/SilencesPage.module.css';
import { AlertSilence } from './AlertSilence';
import classes from './MutingPanel.module.css';

/** Who looks after an active alert, what mutes it, and the buttons for both. */
export function MutingPanel({ detail, now }: { detail: AlertDetail; now: number }) {
  const { t } = useTranslation();
  const { alert } = detail;
  const queries = useQueryClient();
  const mayChange = useMayChange();
  const { data } = useQuery(mutingQuery(alert.id));
  const [silencing, setSilencing] = useState(false);
  const isAcknowledged = (data?.acknowledgements.length ?? 0) > 0;
  const acknowledging = useMutation({
    mutationFn: async () => {
      if (isAcknowledged) await unacknowledgeAlert(alert.id);
      else await acknowledgeAlert(alert.id, '', null);
    },
    onSuccess: () => queries.invalidateQueries({ queryKey: ['monitoring'] }),
  });
  const muting = [...(data?.acknowledgements ?? []), ...(data?.silences ?? [])];
  const source = data?.inhibited_by ?? null;
  return (
    <Panel
      title={t('muting.title')}
      testId="alert-muting"
      aside={
        mayChange && (
          <Group gap="xs">
            <Button
              size="xs"
              variant={isAcknowledged ? 'default' : 'filled'}
              leftSection={<IconEyeCheck size="1rem" />}
              loading={acknowledging.isPending}
              onClick={() => acknowledging.mutate()}
              data-testid="alert-acknowledge"
            >
              {isAcknowledged ? t('muting.unacknowledge') : t('muting.acknowledge')}
            </Button>
            <Button
              size="xs"
              variant="default"
              leftSection={<IconBellOff size="1rem" />}
              onClick={() => setSilencing(true)}
              data-testid="alert-silence"
            >
              {t('muting.silence')}
            </Button>
          </Group>
        )
      }
    >
      <div className={classes.body}>
        {data !== undefined && muting.length === 0 && source === null && (
          <p className={classes.none}>{t('muting.none')}</p>
        )}
        {source !== null && (
          <Notice tone="info">
            {t('muting.inhibited')}{' '}
            <Link to="/alerts/$id" params={{ id: source.id }}>
              {source.name}
            </Link>
          </Notice>
        )}
        {muting.length > 0 && (
          <ul className={list.list}>
            {muting.map((one) => (
              <SilenceItem key={one.id} silence={one} mayChange={mayChange} now={now} />
            ))}
          </ul>
        )}
        {acknowledging.isError && <Refused error={acknowledging.error} />}
      </div>
      {silencing && <AlertSilence alert={alert} onClose={() => setSilencing(false)} />}
    </Panel>
  );
}

function Refused({ error }: { error: unknown }) {
  const { text, detail } = useErrorText(error);
  return (
    <Notice tone="bad" role="alert">
      {detail ?? text}
    </Notice>
  );
}
