import { createRoute, lazyRouteComponent } from '@tanstack/react-router';
import { appRoute } from '@/app/appRoute';

export const silencesRoute = createRoute({
  getParentRoute: () => appRoute,
  path: '/silences',
  component: lazyRouteComponent(() => import('./SilencesPage'), 'SilencesPage'),
});
