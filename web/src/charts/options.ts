import uPlot from 'uplot';
import { axisAround, axisTop, timeLabels } from './axis';
import { isolatedIndices, QUIET_STEPS } from './series';
import { type PointText, tooltipPlugin } from './tooltip';

export type ChartLook = {
  kind: 'line' | 'bars';
  locale: string;
  /** What the value axis reaches at least, in the unit of the values. */
  leastTop: number;
  /** Single samples: the axis is laid around them and the threshold instead of beginning at 0, and each has a dot. */
  samples?: boolean;
  /** Drawn as a dashed line. */
  threshold?: number | null;
  /** The time from one point to the next. */
  stepSeconds: number;
  axisValue: (value: number) => string;
  pointText: PointText;
  onPoint: (spoken: string) => void;
};

function token(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

/** uPlot's settings for one of our charts, in the colours and type size that hold at the time of the call. */
export function chartOptions(look: ChartLook, size: { width: number; height: number }): uPlot.Options {
  const rem = Number.parseFloat(getComputedStyle(document.documentElement).fontSize) || 16;
  const font = `${Math.round(rem * 0.75)}px "Inter Variable", system-ui, sans-serif`;
  const axis: uPlot.Axis = {
    font,
    stroke: token('--text-2'),
    grid: { stroke: token('--line'), width: 1 },
    ticks: { show: false },
  };
  return {
    ...size,
    legend: { show: false },
    padding: [rem * 0.5, rem * 0.75, 0, 0],
    cursor: {
      x: true,
      y: false,
      drag: { x: false, y: false },
      points: {
        size: rem * 0.5,
        fill: token('--surface'),
        stroke: token(look.kind === 'line' ? '--chart-line' : '--chart-bar'),
        width: 2,
      },
    },
    scales: {
      x: { time: true },
      y: { range: (_chart, min, max) => valueRange(look, min, max) },
    },
    axes: [
      {
        ...axis,
        grid: { show: false },
        space: rem * 5,
        size: (_chart, labels) => rem * (labels?.some((label) => label.includes('\n')) ? 2.5 : 1.5),
        gap: rem * 0.375,
        values: (_chart, ticks, _index, _space, step) => timeLabels(ticks, step, look.locale),
      },
      {
        ...axis,
        space: rem * 2.25,
        gap: rem * 0.5,
        size: (chart, values) => axisWidth(chart, values, font, rem),
        values: (_chart, ticks) => ticks.map((tick) => look.axisValue(tick)),
      },
    ],
    series: [{}, look.kind === 'line' ? lineSeries(rem, look) : barSeries()],
    plugins: [tooltipPlugin(look.pointText, look.onPoint), thresholdPlugin(look.threshold ?? null, rem)],
  };
}

function valueRange(look: ChartLook, min: number | null, max: number | null): [number, number] {
  if (look.samples !== true) return [0, axisTop(max, look.leastTop)];
  const known = [min, max, look.threshold].filter((value) => value != null);
  return known.length === 0 ? [0, look.leastTop] : axisAround(Math.min(...known), Math.max(...known));
}

/** The line that a value has to pass, from side to side. */
function thresholdPlugin(threshold: number | null, rem: number): uPlot.Plugin {
  return {
    hooks: {
      draw: (chart) => {
        if (threshold === null) return;
        const { ctx, bbox } = chart;
        const y = Math.round(chart.valToPos(threshold, 'y', true));
        ctx.save();
        ctx.strokeStyle = token('--bad-mark');
        ctx.lineWidth = (rem / 10) * uPlot.pxRatio;
        ctx.setLineDash([rem * 0.4 * uPlot.pxRatio, rem * 0.3 * uPlot.pxRatio]);
        ctx.beginPath();
        ctx.moveTo(bbox.left, y);
        ctx.lineTo(bbox.left + bbox.width, y);
        ctx.stroke();
        ctx.restore();
      },
    },
  };
}

function lineSeries(rem: number, { stepSeconds, samples }: ChartLook): uPlot.Series {
  const longestQuiet = (QUIET_STEPS + 1.5) * stepSeconds;
  return {
    stroke: token('--chart-line'),
    ...(samples === true ? {} : { fill: token('--chart-fill') }),
    width: rem / 8,
    spanGaps: false,
    // Only what is longer than a quiet while is a gap. They come as stretches of canvas pixels.
    gaps: (chart, _series, _from, _to, gaps) => {
      const perSecond = chart.bbox.width / ((chart.scales.x?.max ?? 0) - (chart.scales.x?.min ?? 0));
      return gaps.filter(([left, right]) => right - left > longestQuiet * perSecond);
    },
    points: {
      size: rem * 0.4,
      show: true,
      fill: token('--chart-line'),
      filter: (chart, seriesIndex) => {
        const values = Array.from(chart.data[seriesIndex] ?? []);
        return samples === true ? [...values.keys()] : isolatedIndices(values);
      },
    },
  };
}

function barSeries(): uPlot.Series {
  const bars = uPlot.paths.bars?.({ size: [0.72, 36], radius: 0.18 });
  return {
    fill: token('--chart-bar'),
    width: 0,
    points: { show: false },
    ...(bars === undefined ? {} : { paths: bars }),
  };
}

/** Room for the widest label of the value axis. */
function axisWidth(chart: uPlot, values: string[] | null, font: string, rem: number): number {
  chart.ctx.font = font;
  const widest = Math.max(0, ...(values ?? []).map((value) => chart.ctx.measureText(value).width));
  return Math.ceil(Math.max(widest + rem * 0.875, rem * 3.25));
}
