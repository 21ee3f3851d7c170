/** What is to be explained; part of the address, so that an explanation can be shared. */
export type ExplainSearch = {
  rule?: string;
  /** RFC 3339; absent: the instant at which the page was opened. */
  at?: string;
  group?: string;
  place?: number;
  version?: 'then' | 'now';
  /** Label matchers in braces. */
  labels?: string;
};

export function explainSearch(search: Record<string, unknown>): ExplainSearch {
  const found: ExplainSearch = {};
  for (const name of ['rule', 'group', 'labels'] as const) {
    const text = textOf(search[name]);
    if (text !== null) found[name] = text;
  }
  const at = textOf(search.at);
  // Seconds since the epoch, as the API takes them, or an instant in words.
  const time = at === null ? Number.NaN : /^\d+(\.\d+)?$/.test(at) ? Number(at) * 1000 : Date.parse(at);
  if (Number.isFinite(time) && Math.abs(time) < 8.64e15) found.at = new Date(time).toISOString();
  if (typeof search.place === 'number' && Number.isInteger(search.place) && search.place >= 0)
    found.place = search.place;
  if (search.version === 'then' || search.version === 'now') found.version = search.version;
  return found;
}

/** The router reads what looks like a number or a truth value as one. */
function textOf(value: unknown): string | null {
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  return typeof value === 'string' && value !== '' ? value : null;
}

// Every alert of the rule has this one, and none of its elements.
const OF_THE_RULE = new Set(['alertname']);

/** Label matchers that find what an alert was made of; undefined where it has no labels of its own. */
export function matchersOf(labels: Readonly<Record<string, string>>): string | undefined {
  const own = Object.entries(labels)
    .filter(([name, value]) => !OF_THE_RULE.has(name) && value !== '')
    .sort(([a], [b]) => a.localeCompare(b));
  if (own.length === 0) return undefined;
  return `{${own.map(([name, value]) => `${quotedName(name)}=${quoted(value)}`).join(', ')}}`;
}

/** UTF-8 label names stand in quotes, as in Prometheus 3. */
function quotedName(name: string): string {
  return /^[a-zA-Z_]\w*$/.test(name) ? name : quoted(name);
}

function quoted(text: string): string {
  return `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}"`;
}
