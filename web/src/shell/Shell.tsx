import { Outlet } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { LiveProvider } from '@/live/LiveProvider';
import { ConnectionState } from './ConnectionState';
import { LanguageSwitch } from './LanguageSwitch';
import { Logo } from './Logo';
import { MainNav } from './MainNav';
import { OfflineBanner } from './OfflineBanner';
import { SchemeSwitch } from './SchemeSwitch';
import classes from './Shell.module.css';
import { UserMenu } from './UserMenu';
import { useSession } from './useSession';

/** The frame around every page behind the login. */
export function Shell() {
  const { t } = useTranslation();
  const session = useSession();
  if (session === null) return null;
  return (
    <LiveProvider>
      <a className={classes.skip} href="#content">
        {t('app.skipToContent')}
      </a>
      <header className={classes.header}>
        <div className={classes.brand}>
          <Logo />
          <span className={classes.name}>{t('app.name')}</span>
        </div>
        <MainNav />
        <div className={classes.tools}>
          <ConnectionState />
          <LanguageSwitch />
          <SchemeSwitch />
          <UserMenu session={session} />
        </div>
      </header>
      <main id="content" tabIndex={-1} className={classes.main}>
        <OfflineBanner />
        <Outlet />
      </main>
    </LiveProvider>
  );
}
