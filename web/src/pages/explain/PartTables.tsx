import { IconCheck, IconX } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import type { ExplainNode } from '@/api/types';
import { Labels } from '@/components/Labels';
import { Tag } from '@/components/Tag';
import { formatValue } from '@/format/number';
import { formatAbsolute, formatShort, parseTime } from '@/format/time';
import { useLocale } from '@/i18n/useLocale';
import { serverNow } from '@/live/serverClock';
import classes from './PartOf.module.css';

/** The elements of a vector; those of a selector say when their sample was taken. */
export function ElementTable({ node }: { node: ExplainNode }) {
  const { t } = useTranslation();
  const { locale } = useLocale();
  const timed = node.elements.some(({ taken_at }) => taken_at !== null);
  return (
    <Values
      expr={node.expr}
      head={[t('explain.tree.labels'), t('explain.tree.value'), ...(timed ? [t('explain.tree.taken')] : [])]}
      shown={node.elements.length}
      total={node.total}
    >
      {node.elements.map((element) => (
        <tr key={JSON.stringify(element.labels)}>
          <td>
            <LabelsOrNone labels={element.labels} />
          </td>
          <td className={classes.value}>{formatValue(element.value, locale)}</td>
          {timed && (
            <td className={classes.value}>
              <Instant text={element.taken_at} />
            </td>
          )}
        </tr>
      ))}
    </Values>
  );
}

/** The series of a range, each with its newest samples. */
export function RangeTable({ node }: { node: ExplainNode }) {
  const { t } = useTranslation();
  const { locale } = useLocale();
  return (
    <Values
      expr={node.expr}
      head={[t('explain.tree.labels'), t('explain.tree.value'), t('explain.tree.taken')]}
      shown={node.rows.length}
      total={node.total}
    >
      {node.rows.map((row) => (
        <tr key={JSON.stringify(row.labels)}>
          <td>
            <LabelsOrNone labels={row.labels} />
          </td>
          <td>
            {row.samples.length < row.total && '… '}
            {row.samples.map(({ value }) => formatValue(value, locale)).join(' · ')}
          </td>
          <td className={classes.value}>
            <Instant text={row.samples.at(-1)?.time ?? null} />
          </td>
        </tr>
      ))}
    </Values>
  );
}

/** What a comparison held against each other, and by how much it passed or did not. */
export function ComparedTable({ comparison }: { comparison: NonNullable<ExplainNode['comparison']> }) {
  const { t } = useTranslation();
  const { locale } = useLocale();
  const { shown, passed, failed, alone, op } = comparison;
  return (
    <>
      {shown.length > 0 && (
        <Values
          expr={t('explain.tree.comparison', { passed, failed })}
          head={[t('explain.tree.labels'), t('explain.tree.compared'), t('explain.tree.by')]}
          shown={shown.length}
          total={passed + failed}
        >
          {shown.map((one) => (
            <tr key={JSON.stringify(one.labels)} data-passed={one.passed}>
              <td>
                <LabelsOrNone labels={one.labels} />
              </td>
              <td className={classes.value}>
                {formatValue(one.left, locale)} {op} {formatValue(one.right, locale)}{' '}
                <Tag tone={one.passed ? 'warn' : 'unknown'} icon={one.passed ? IconCheck : IconX}>
                  {one.passed ? t('explain.tree.passed') : t('explain.tree.failed')}
                </Tag>
              </td>
              <td className={classes.value}>{formatValue(one.by, locale)}</td>
            </tr>
          ))}
        </Values>
      )}
      {alone > 0 && <p className={classes.note}>{t('explain.tree.alone', { count: alone })}</p>}
    </>
  );
}

type ValuesProps = { expr: string; head: string[]; shown: number; total: number; children: ReactNode };

function Values({ expr, head, shown, total, children }: ValuesProps) {
  const { t } = useTranslation();
  return (
    <>
      <div className={classes.scroll}>
        <table className={classes.table} aria-label={t('explain.tree.values', { expr })}>
          <thead>
            <tr>
              {head.map((name) => (
                <th key={name} scope="col">
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>{children}</tbody>
        </table>
      </div>
      {shown < total && <p className={classes.note}>{t('explain.tree.shown', { shown, count: total })}</p>}
    </>
  );
}

function LabelsOrNone({ labels }: { labels: Readonly<Record<string, string>> }) {
  const { t } = useTranslation();
  if (Object.keys(labels).length === 0) return <span className={classes.note}>{t('explain.tree.noLabels')}</span>;
  return <Labels labels={labels} />;
}

function Instant({ text }: { text: string | null }) {
  const { locale } = useLocale();
  const time = parseTime(text);
  if (time === null) return null;
  return (
    <time dateTime={new Date(time).toISOString()} title={formatAbsolute(time, locale)}>
      {formatShort(time, serverNow(), locale)}
    </time>
  );
}
