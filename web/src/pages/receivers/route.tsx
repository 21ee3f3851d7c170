import { createRoute, lazyRouteComponent } from '@tanstack/react-router';
import { appRoute } from '@/app/appRoute';

export const receiversRoute = createRoute({
  getParentRoute: () => appRoute,
  path: '/receivers',
  component: lazyRouteComponent(() => import('./ReceiversPage'), 'ReceiversPage'),
});
