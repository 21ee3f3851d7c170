import { createRoute, lazyRouteComponent } from '@tanstack/react-router';
import { appRoute } from '@/app/appRoute';
import { type AlertsSearch, alertsSearch } from './alertsSearch';

export const alertsRoute = createRoute({
  getParentRoute: () => appRoute,
  path: '/alerts',
  validateSearch: (search: Record<string, unknown>): AlertsSearch => alertsSearch(search),
  component: lazyRouteComponent(() => import('./AlertsPage'), 'AlertsPage'),
});
