// The name and the severity stand in words of their own beside the labels.
const ELSEWHERE = new Set(['alertname', 'severity', '__name__']);
const MOST = 6;

/** The labels that tell one alert from another, as many as fit a row. */
export function shownLabels(labels: Readonly<Record<string, string>>): [string, string][] {
  return Object.entries(labels)
    .filter(([name, value]) => !ELSEWHERE.has(name) && value !== '')
    .slice(0, MOST);
}
