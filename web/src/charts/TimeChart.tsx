import 'uplot/dist/uPlot.min.css';
import { useComputedColorScheme, VisuallyHidden } from '@mantine/core';
import { type KeyboardEvent, useEffect, useEffectEvent, useRef, useState } from 'react';
import uPlot from 'uplot';
import { type ChartLook, chartOptions } from './options';
import { nextKnown, type Series } from './series';
import classes from './TimeChart.module.css';

type TimeChartProps = Omit<ChartLook, 'onPoint'> & {
  series: Series;
  /** The time axis, in seconds since the epoch: the period asked for, also where there is no data in it. */
  from: number;
  to: number;
  /** What the chart shows, in a sentence. */
  label: string;
};

/** One series over time, as a line or as bars. It fills its box; arrow keys move from point to point. */
export function TimeChart({ series, from, to, label, ...look }: TimeChartProps) {
  const box = useRef<HTMLDivElement>(null);
  const chart = useRef<uPlot | null>(null);
  const [spoken, setSpoken] = useState('');
  const scheme = useComputedColorScheme('light');
  const { kind, locale, leastTop, stepSeconds, samples = false, threshold = null } = look;

  const show = useEffectEvent(() => {
    chart.current?.batch(() => {
      chart.current?.setData([series.times, series.values], false);
      chart.current?.setScale('x', { min: from, max: to });
    });
  });

  const create = useEffectEvent((target: HTMLDivElement) => {
    const texts: ChartLook = {
      kind,
      locale,
      leastTop,
      stepSeconds,
      samples,
      threshold,
      axisValue: (value) => look.axisValue(value),
      pointText: (time, value) => look.pointText(time, value),
      onPoint: (text) => {
        if (document.activeElement === target.parentElement) setSpoken(text);
      },
    };
    chart.current = new uPlot(chartOptions(texts, sizeOf(target)), [[], []], target);
    show();
  });

  // Colours, texts and type size are drawn into the canvas: when one of them changes it is drawn anew.
  // biome-ignore lint/correctness/useExhaustiveDependencies: these are what is drawn.
  useEffect(() => {
    const target = box.current;
    if (target === null) return undefined;
    create(target);
    const resizing = new ResizeObserver(() => chart.current?.setSize(sizeOf(target)));
    resizing.observe(target);
    return () => {
      resizing.disconnect();
      chart.current?.destroy();
      chart.current = null;
    };
  }, [scheme, locale, kind, stepSeconds, samples, threshold]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: `show` reads these.
  useEffect(() => show(), [series, from, to]);

  return (
    <div
      role="img"
      aria-label={label}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: the points of the picture are read with the arrow keys.
      tabIndex={0}
      className={classes.chart}
      onKeyDown={(event) => movePoint(event, chart.current)}
    >
      <div ref={box} className={classes.canvas} />
      <VisuallyHidden>
        <span aria-live="polite">{spoken}</span>
      </VisuallyHidden>
    </div>
  );
}

function sizeOf(target: HTMLElement): { width: number; height: number } {
  return { width: target.clientWidth, height: target.clientHeight };
}

function movePoint(event: KeyboardEvent, chart: uPlot | null): void {
  if (chart === null || (event.key !== 'ArrowLeft' && event.key !== 'ArrowRight')) return;
  event.preventDefault();
  const [times, values] = chart.data;
  const from = chart.cursor.idx ?? times.length;
  const index = nextKnown(
    Array.from(values ?? [], (value) => value ?? null),
    from,
    event.key === 'ArrowLeft' ? -1 : 1,
  );
  const time = times[index];
  if (time !== undefined) chart.setCursor({ left: chart.valToPos(time, 'x'), top: chart.over.clientHeight / 2 });
}
