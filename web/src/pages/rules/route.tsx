import { createRoute, lazyRouteComponent } from '@tanstack/react-router';
import { appRoute } from '@/app/appRoute';
import { type RulesSearch, rulesSearch } from './rulesSearch';

export const rulesRoute = createRoute({
  getParentRoute: () => appRoute,
  path: '/rules',
  validateSearch: (search: Record<string, unknown>): RulesSearch => rulesSearch(search),
  component: lazyRouteComponent(() => import('./RulesPage'), 'RulesPage'),
});
