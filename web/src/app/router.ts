import type { QueryClient } from '@tanstack/react-query';
import { createRouter } from '@tanstack/react-router';
import { alertRoute } from '@/pages/alert/route';
import { alertsRoute } from '@/pages/alerts/route';
import { explainRoute } from '@/pages/explain/route';
import { loginRoute } from '@/pages/login/route';
import { overviewRoute } from '@/pages/overview/route';
import { receiversRoute } from '@/pages/receivers/route';
import { rulesRoute } from '@/pages/rules/route';
import { silencesRoute } from '@/pages/silences/route';
import { trialRoute } from '@/pages/trial/route';
import { appRoute } from './appRoute';
import { rootRoute } from './rootRoute';

/** Every page of the application. A page is a folder under `pages/` whose `route` is named here. */
const routeTree = rootRoute.addChildren([
  loginRoute,
  appRoute.addChildren([
    overviewRoute,
    alertsRoute,
    alertRoute,
    rulesRoute,
    trialRoute,
    silencesRoute,
    receiversRoute,
    explainRoute,
  ]),
]);

export function createAppRouter(queries: QueryClient) {
  return createRouter({ routeTree, context: { queries }, defaultPreload: 'intent', scrollRestoration: true });
}

export type AppRouter = ReturnType<typeof createAppRouter>;

declare module '@tanstack/react-router' {
  interface Register {
    router: AppRouter;
  }
}
