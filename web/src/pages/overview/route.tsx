import { createRoute, lazyRouteComponent } from '@tanstack/react-router';
import { appRoute } from '@/app/appRoute';
import { isPeriod, type Period } from './period';

export const overviewRoute = createRoute({
  getParentRoute: () => appRoute,
  path: '/',
  // The period is part of the address, so that a view can be shared and comes back after a reload.
  validateSearch: ({ period }: Record<string, unknown>): { period?: Period } => (isPeriod(period) ? { period } : {}),
  component: lazyRouteComponent(() => import('./OverviewPage'), 'OverviewPage'),
});
