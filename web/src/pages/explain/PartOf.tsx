import { UnstyledButton } from '@mantine/core';
import { IconChevronRight } from '@tabler/icons-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { ExplainNode } from '@/api/types';
import { Notice } from '@/components/Notice';
import { Tag } from '@/components/Tag';
import { formatValue } from '@/format/number';
import { formatShort } from '@/format/time';
import { useLocale } from '@/i18n/useLocale';
import { serverNow } from '@/live/serverClock';
import { MissingPart } from './MissingPart';
import classes from './PartOf.module.css';
import { ComparedTable, ElementTable, RangeTable } from './PartTables';

const OPEN_DEPTH = 3;

type PartOfProps = {
  node: ExplainNode;
  depth: number;
  /** When the whole was evaluated: a part of a subquery says where its own instant is another. */
  at: string;
};

/** A part of an expression: what it evaluates to, what it lacks, and the parts that it is made of. */
export function PartOf({ node, depth, at }: PartOfProps) {
  const { t } = useTranslation();
  const { locale } = useLocale();
  const [open, setOpen] = useState(depth < OPEN_DEPTH);
  return (
    <li className={classes.part} data-testid="explain-part">
      <div className={classes.head}>
        {node.parts.length > 0 ? (
          <UnstyledButton
            className={classes.toggle}
            aria-expanded={open}
            aria-label={t('explain.tree.toggle', { expr: node.expr })}
            onClick={() => setOpen(!open)}
          >
            <IconChevronRight size="1.125rem" aria-hidden />
          </UnstyledButton>
        ) : (
          <span className={classes.leaf} aria-hidden>
            ·
          </span>
        )}
        <span className={classes.text}>
          <code className={classes.expr}>{node.expr}</code>
          <Tag>{t(`explain.tree.type.${node.type}`)}</Tag>
          <Summary node={node} />
          {node.at !== at && (
            <span className={classes.summary}>
              {t('explain.tree.at', { time: formatShort(Date.parse(node.at), serverNow(), locale) })}
            </span>
          )}
        </span>
      </div>
      <div className={classes.body}>
        {node.error !== null && <Notice tone="bad">{t('explain.tree.error', { error: node.error })}</Notice>}
        {node.missing !== null && <MissingPart missing={node.missing} />}
        {node.comparison !== null && <ComparedTable comparison={node.comparison} />}
        {node.comparison === null && node.elements.length > 0 && <ElementTable node={node} />}
        {node.rows.length > 0 && <RangeTable node={node} />}
      </div>
      {open && node.parts.length > 0 && (
        <ul className={classes.parts}>
          {node.parts.map((part, place) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: a part is named by its place; the same text may stand twice.
            <PartOf key={place} node={part} depth={depth + 1} at={node.at} />
          ))}
        </ul>
      )}
      {node.left_out > 0 && <p className={classes.note}>{t('explain.tree.leftOut', { count: node.left_out })}</p>}
    </li>
  );
}

/** What a part comes to in a word or two. */
function Summary({ node }: { node: ExplainNode }) {
  const { t } = useTranslation();
  const { locale } = useLocale();
  if (node.error !== null) return null;
  if (node.number !== null)
    return <span className={`${classes.summary} ${classes.number}`}>{formatValue(node.number, locale)}</span>;
  if (node.string !== null) return <span className={classes.summary}>“{node.string}”</span>;
  if (node.total === 0) return <span className={classes.summary}>{t('explain.tree.empty')}</span>;
  if (node.type === 'matrix')
    return (
      <span className={classes.summary}>
        {t('explain.tree.series', { count: node.total })}, {t('explain.tree.samples', { count: node.samples })}
      </span>
    );
  return <span className={classes.summary}>{t('explain.tree.elements', { count: node.total })}</span>;
}
