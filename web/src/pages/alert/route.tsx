import { createRoute, lazyRouteComponent } from '@tanstack/react-router';
import { appRoute } from '@/app/appRoute';

export const alertRoute = createRoute({
  getParentRoute: () => appRoute,
  path: '/alerts/$id',
  component: lazyRouteComponent(() => import('./AlertPage'), 'AlertPage'),
});
