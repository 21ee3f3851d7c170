/** What holds a notification back, as the ledger writes it: `silence:ID`, `quiet-hours`, … */

const KINDS = {
  silence: 'silence',
  acknowledgement: 'acknowledgement',
  inhibited: 'inhibited',
  dependency: 'dependency',
  suspected: 'suspected',
  'mute-time': 'muteTime',
  'quiet-hours': 'quietHours',
  cooldown: 'cooldown',
  flapping: 'flapping',
} as const;

export type MutingKind = (typeof KINDS)[keyof typeof KINDS] | 'other';

/** Which kind of muting it is, and what it names: a silence, an alert, a time; empty where it names nothing. */
export function mutedBy(text: string): { kind: MutingKind; subject: string } {
  const colon = text.indexOf(':');
  const word = colon < 0 ? text : text.slice(0, colon);
  const kind = Object.hasOwn(KINDS, word) ? KINDS[word as keyof typeof KINDS] : 'other';
  return { kind, subject: kind === 'other' ? text : colon < 0 ? '' : text.slice(colon + 1) };
}

/** The name of the check that is down, where it is one: an alert's id says nothing to people. */
export function parentOf(subject: string): string | null {
  return /^[0-9a-f]{32}$/.test(subject) ? null : subject;
}
