import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { changeSilence, createSilence, getSilence, silencesKey } from '@/api/silences';
import type { Silence } from '@/api/types';
import { MatcherRows } from './MatcherRows';
import { SilenceDialog } from './SilenceDialog';
import { type MatcherRow, matchersOfRows, rowsOf } from './silence';

/** A new silence, of any labels. */
export function NewSilence({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation();
  const [rows, setRows] = useState<MatcherRow[]>([{ id: 0, name: 'alertname', operator: '=', value: '' }]);
  return (
    <SilenceDialog title={t('silences.make')} matchers={matchersOfRows(rows)} save={createSilence} onClose={onClose}>
      <MatcherRows rows={rows} onChange={setRows} />
    </SilenceDialog>
  );
}

/** A silence that is changed, if nobody else has done so meanwhile: then it is shown as it is now. */
export function SilenceEditor({ silence, onClose }: { silence: Silence; onClose: () => void }) {
  const [seen, setSeen] = useState(silence);
  const queries = useQueryClient();
  const reload = async () => {
    void queries.invalidateQueries({ queryKey: silencesKey });
    const now = await getSilence(silence.id).catch(() => null);
    if (now === null || now.state === 'expired') onClose();
    else setSeen(now);
  };
  return <Editing key={seen.version} seen={seen} onReload={() => void reload()} onClose={onClose} />;
}

type EditingProps = { seen: Silence; onReload: () => void; onClose: () => void };

function Editing({ seen, onReload, onClose }: EditingProps) {
  const { t } = useTranslation();
  const [rows, setRows] = useState(rowsOf(seen.matchers));
  return (
    <SilenceDialog
      title={t('silences.changing')}
      matchers={matchersOfRows(rows)}
      seen={seen}
      save={(wanted) => changeSilence(seen, wanted)}
      onReload={onReload}
      onClose={onClose}
    >
      <MatcherRows rows={rows} onChange={setRows} />
    </SilenceDialog>
  );
}
