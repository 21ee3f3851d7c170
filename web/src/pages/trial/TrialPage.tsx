import { IconArrowLeft, IconLock } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { Empty } from '@/components/Empty';
import { LinkButton } from '@/components/links';
import { Page } from '@/components/Page';
import { PageHead } from '@/components/PageHead';
import { useMayChange } from '@/components/useMayChange';
import { trialRoute } from './route';
import { Trial } from './Trial';
import classes from './TrialPage.module.css';

/** Rules tried on history before anybody relies on them. */
export function TrialPage() {
  const { t } = useTranslation();
  const { name } = trialRoute.useSearch();
  const mayTry = useMayChange();
  return (
    <Page testId="trial-page">
      <Link to="/rules" className={classes.back}>
        <IconArrowLeft size="1rem" aria-hidden />
        {t('trial.back')}
      </Link>
      <PageHead title={t('trial.title')} note={t('trial.intro')} />
      {mayTry ? (
        <Trial key={name ?? ''} name={name ?? null} />
      ) : (
        <Empty
          icon={IconLock}
          title={t('trial.forbidden')}
          text={t('trial.forbiddenText')}
          action={
            <LinkButton to="/rules" size="xs" mt="xs">
              {t('trial.back')}
            </LinkButton>
          }
        />
      )}
    </Page>
  );
}
