import { IconBell, IconHelpHexagon, IconLayoutDashboard, IconListDetails } from '@tabler/icons-react';

/** The pages that the header offers, in its order. */
export const NAVIGATION = [
  { to: '/', label: 'page.overview', icon: IconLayoutDashboard },
  { to: '/alerts', label: 'page.alerts', icon: IconBell },
  { to: '/rules', label: 'page.rules', icon: IconListDetails },
  { to: '/explain', label: 'page.explain', icon: IconHelpHexagon },
] as const;
