import { IconLayoutDashboard } from '@tabler/icons-react';

/** The pages that the header offers, in its order. */
export const NAVIGATION = [{ to: '/', label: 'page.overview', icon: IconLayoutDashboard }] as const;
