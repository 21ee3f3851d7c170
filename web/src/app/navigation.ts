import {
  IconBell,
  IconBellOff,
  IconHelpHexagon,
  IconLayoutDashboard,
  IconListDetails,
  IconSend,
} from '@tabler/icons-react';

/** The pages that the header offers, in its order. */
export const NAVIGATION = [
  { to: '/', label: 'page.overview', icon: IconLayoutDashboard },
  { to: '/alerts', label: 'page.alerts', icon: IconBell },
  { to: '/rules', label: 'page.rules', icon: IconListDetails },
  { to: '/silences', label: 'page.silences', icon: IconBellOff },
  { to: '/receivers', label: 'page.receivers', icon: IconSend },
  { to: '/explain', label: 'page.explain', icon: IconHelpHexagon },
] as const;
