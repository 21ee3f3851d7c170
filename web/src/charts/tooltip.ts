import type uPlot from 'uplot';
import classes from './TimeChart.module.css';

export type PointText = (time: number, value: number | null) => { time: string; value: string };

/** A box beside the cursor that says time and value of the point under it, on the side where there is room. */
export function tooltipPlugin(text: PointText, onPoint: (spoken: string) => void): uPlot.Plugin {
  const box = document.createElement('div');
  box.className = classes.tooltip ?? '';
  box.hidden = true;
  const value = box.appendChild(document.createElement('strong'));
  const time = box.appendChild(document.createElement('span'));

  return {
    hooks: {
      init: (chart) => {
        chart.over.appendChild(box);
      },
      setCursor: (chart) => {
        const { idx, left } = chart.cursor;
        const at = idx == null ? undefined : chart.data[0][idx];
        if (idx == null || at === undefined || left === undefined || left < 0) {
          box.hidden = true;
          return;
        }
        const words = text(at, chart.data[1]?.[idx] ?? null);
        value.textContent = words.value;
        time.textContent = words.time;
        box.hidden = false;
        const x = chart.valToPos(at, 'x');
        const flip = x + box.offsetWidth + 16 > chart.over.clientWidth;
        box.style.transform = `translate(${flip ? x - box.offsetWidth - 10 : x + 10}px, 4px)`;
        onPoint(`${words.time}: ${words.value}`);
      },
    },
  };
}
