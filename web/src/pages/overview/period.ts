/** The periods that the charts offer; their names are PromQL durations, as the API takes them. */
export const PERIODS = ['15m', '1h', '6h', '24h'] as const;
export type Period = (typeof PERIODS)[number];

export const DEFAULT_PERIOD: Period = '1h';

const SECONDS: Record<Period, number> = { '15m': 900, '1h': 3600, '6h': 21_600, '24h': 86_400 };

export function isPeriod(value: unknown): value is Period {
  return PERIODS.some((period) => period === value);
}

export function periodSeconds(period: Period): number {
  return SECONDS[period];
}
