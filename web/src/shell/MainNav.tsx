import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { NAVIGATION } from '@/app/navigation';
import classes from './Shell.module.css';

export function MainNav() {
  const { t } = useTranslation();
  return (
    <nav className={classes.nav} aria-label={t('app.mainNavigation')}>
      {NAVIGATION.map(({ to, label, icon: Icon }) => (
        <Link key={to} to={to} className={classes.navLink} activeOptions={{ exact: to === '/', includeSearch: false }}>
          <Icon size="1.0625rem" aria-hidden />
          {t(label)}
        </Link>
      ))}
    </nav>
  );
}
