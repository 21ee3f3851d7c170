import { createRoute, lazyRouteComponent, redirect } from '@tanstack/react-router';
import { sessionQuery } from '@/api/session';
import { rootRoute } from '@/app/rootRoute';
import { type LoginSearch, loginSearch } from './loginSearch';

export const loginRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/login',
  validateSearch: (search: Record<string, unknown>): LoginSearch => loginSearch(search),
  beforeLoad: ({ context, search }) => {
    if (context.queries.getQueryData(sessionQuery.queryKey)) throw redirect({ to: search.from ?? '/' });
  },
  component: lazyRouteComponent(() => import('./LoginPage'), 'LoginPage'),
});
