import { createRoute, lazyRouteComponent } from '@tanstack/react-router';
import { appRoute } from '@/app/appRoute';

export type TrialSearch = { name?: string };

export const trialRoute = createRoute({
  getParentRoute: () => appRoute,
  path: '/rules/try',
  validateSearch: ({ name }: Record<string, unknown>): TrialSearch =>
    (typeof name === 'string' && name !== '') || typeof name === 'number' ? { name: String(name) } : {},
  component: lazyRouteComponent(() => import('./TrialPage'), 'TrialPage'),
});
