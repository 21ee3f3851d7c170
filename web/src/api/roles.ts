import type { Session } from './types';

/** Whether this role changes rules and tries them on history; the server decides in the end. */
export function mayChange(role: Session['role'] | undefined): boolean {
  return role === 'operator' || role === 'admin';
}
