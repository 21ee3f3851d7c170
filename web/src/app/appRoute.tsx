import { createRoute, redirect } from '@tanstack/react-router';
import { sessionQuery } from '@/api/session';
import { Shell } from '@/shell/Shell';
import { PageError } from './PageError';
import { PagePending } from './PagePending';
import { rootRoute } from './rootRoute';

/** Everything behind the login. Without a session the way leads to the login page, and back here afterwards. */
export const appRoute = createRoute({
  getParentRoute: () => rootRoute,
  id: 'app',
  beforeLoad: async ({ context, location }) => {
    const session = await context.queries.ensureQueryData(sessionQuery);
    if (session === null) throw redirect({ to: '/login', search: { from: location.href } });
  },
  component: Shell,
  pendingComponent: PagePending,
  errorComponent: PageError,
});
