const KEYS = ['reason', 'error', 'message', 'detail'] as const;

/** The sentence in a check's details that says why its status is what it is; null where there is none. */
export function checkReason(details: Readonly<Record<string, unknown>> | null | undefined): string | null {
  for (const key of KEYS) {
    const text = details?.[key];
    if (typeof text === 'string' && text !== '') return text;
  }
  return null;
}
