import { ActionIcon, Button, NativeSelect, TextInput } from '@mantine/core';
import { IconPlus, IconTrash } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import classes from './SilenceDialog.module.css';
import { type MatcherRow, OPERATORS } from './silence';

type MatcherRowsProps = { rows: MatcherRow[]; onChange: (rows: MatcherRow[]) => void };

/** Label matchers, one a line. */
export function MatcherRows({ rows, onChange }: MatcherRowsProps) {
  const { t } = useTranslation();
  const change = (id: number, part: Partial<MatcherRow>) =>
    onChange(rows.map((one) => (one.id === id ? { ...one, ...part } : one)));
  const add = () =>
    onChange([...rows, { id: Math.max(...rows.map(({ id }) => id)) + 1, name: '', operator: '=', value: '' }]);
  return (
    <fieldset className={classes.rows}>
      <legend>{t('silences.form.matchers')}</legend>
      {rows.map((row) => (
        <div key={row.id} className={classes.row}>
          <TextInput
            aria-label={t('silences.form.label')}
            placeholder={t('silences.form.label')}
            value={row.name}
            onChange={(event) => change(row.id, { name: event.currentTarget.value })}
            data-testid="matcher-name"
          />
          <NativeSelect
            aria-label={t('silences.form.operator')}
            value={row.operator}
            data={[...OPERATORS]}
            onChange={(event) => {
              const chosen = OPERATORS.find((one) => one === event.currentTarget.value);
              if (chosen !== undefined) change(row.id, { operator: chosen });
            }}
          />
          <TextInput
            className={classes.value}
            aria-label={t('silences.form.value')}
            placeholder={t('silences.form.value')}
            value={row.value}
            onChange={(event) => change(row.id, { value: event.currentTarget.value })}
            data-testid="matcher-value"
          />
          <ActionIcon
            variant="subtle"
            color="gray"
            aria-label={t('silences.form.remove')}
            disabled={rows.length === 1}
            onClick={() => onChange(rows.filter(({ id }) => id !== row.id))}
          >
            <IconTrash size="1rem" />
          </ActionIcon>
        </div>
      ))}
      <Button variant="default" size="compact-sm" leftSection={<IconPlus size="0.875rem" />} onClick={add}>
        {t('silences.form.add')}
      </Button>
    </fieldset>
  );
}
