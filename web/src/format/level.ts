/** How full a resource is, as the specification draws its rings: green to 60 %, yellow to 80 %, red above. */
export type UsageLevel = 'ok' | 'elevated' | 'high';

export function usageLevel(percent: number): UsageLevel {
  if (percent > 80) return 'high';
  if (percent > 60) return 'elevated';
  return 'ok';
}
