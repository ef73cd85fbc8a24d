// The settings of the time series plot: two lines on one time axis, in the colors of the theme.
import uPlot from "uplot";
import { formatAxis, formatDay, type Kind } from "./format";
import type { Point } from "./series";

const HOUR = 3600;
const DAY = 24 * HOUR;

export interface PlotSettings {
  width: number;
  height: number;
  kind: Kind;
  hourly: boolean;
  hover(index: number | null): void;
}

/** The plot's three columns: time, the days before, the current range on top of them. */
export function plotData(points: Point[]): uPlot.AlignedData {
  return [
    points.map((p) => p.seconds),
    points.map((p) => p.before),
    points.map((p) => p.value),
  ];
}

function axisLabel(seconds: number, hourly: boolean): string {
  const iso = new Date(seconds * 1000).toISOString();
  return hourly ? iso.slice(11, 16) : formatDay(iso.slice(0, 10));
}

/** The top of the value axis. Counts never get a scale finer than one; a rate ends at one. */
function top(kind: Kind, max: number | null): number {
  const floor = kind === "count" ? 4 : kind === "rate" ? 0.1 : 10;
  const room = Math.max(floor, (max ?? 0) * 1.08);
  return kind === "rate" ? Math.min(1, room) : room;
}

export function plotOptions(s: PlotSettings): uPlot.Options {
  const css = getComputedStyle(document.documentElement);
  const color = (name: string) => css.getPropertyValue(name).trim();
  const grid = { stroke: color("--line"), width: 1 };
  const font = `12px ${getComputedStyle(document.body).fontFamily}`;
  return {
    width: s.width,
    height: s.height,
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "Etc/UTC"),
    legend: { show: false },
    cursor: { drag: { x: false, y: false }, y: false, points: { size: 8 } },
    scales: { x: { time: true }, y: { range: (_u, _min, max) => [0, top(s.kind, max)] } },
    axes: [
      {
        stroke: color("--soft"),
        font,
        grid: { show: false },
        ticks: { show: false },
        space: 60,
        size: 30,
        incrs: s.hourly ? [HOUR, 2 * HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR] : [1, 2, 3, 7, 14, 28, 56].map((n) => n * DAY),
        values: (_u, at) => at.map((seconds) => axisLabel(seconds, s.hourly)),
      },
      {
        stroke: color("--soft"),
        font,
        grid,
        ticks: { show: false },
        size: 56,
        incrs: steps(s.kind),
        values: (_u, at) => at.map((n) => formatAxis(s.kind, n)),
      },
    ],
    series: [
      {},
      { stroke: color("--before"), width: 1.5, dash: [5, 4], points: { show: false } },
      { stroke: color("--accent"), width: 2, fill: color("--accent") + "1f" },
    ],
    hooks: { setCursor: [(u) => s.hover(u.cursor.idx ?? null)] },
  };
}

/** The distances that the value axis may have between its lines: never a third of a user. */
function steps(kind: Kind): number[] {
  if (kind === "rate") return [0.01, 0.02, 0.05, 0.1, 0.2, 0.5];
  if (kind === "seconds") {
    const hours = [1, 2, 5, 10, 20, 50, 100].map((n) => n * HOUR);
    return [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, ...hours];
  }
  const counts: number[] = [];
  for (let power = 1; power <= 1e15; power *= 10) counts.push(power, 2 * power, 5 * power);
  return counts;
}
