import { useDocumentTitle } from '@mantine/hooks';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import classes from './PageHead.module.css';

type PageHeadProps = { title: string; note?: ReactNode; aside?: ReactNode };

/** A page's title, what there is to say beside it, and what can be done; also the title of the tab. */
export function PageHead({ title, note, aside }: PageHeadProps) {
  const { t } = useTranslation();
  useDocumentTitle(`${title} · ${t('app.name')}`);
  return (
    <header className={classes.head}>
      <div className={classes.text}>
        <h1 className={classes.title}>{title}</h1>
        {note !== undefined && <p className={classes.note}>{note}</p>}
      </div>
      {aside !== undefined && <div className={classes.aside}>{aside}</div>}
    </header>
  );
}
