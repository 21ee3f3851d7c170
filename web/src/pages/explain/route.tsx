import { createRoute, lazyRouteComponent } from '@tanstack/react-router';
import { appRoute } from '@/app/appRoute';
import { type ExplainSearch, explainSearch } from './explainSearch';

export const explainRoute = createRoute({
  getParentRoute: () => appRoute,
  path: '/explain',
  validateSearch: (search: Record<string, unknown>): ExplainSearch => explainSearch(search),
  component: lazyRouteComponent(() => import('./ExplainPage'), 'ExplainPage'),
});
