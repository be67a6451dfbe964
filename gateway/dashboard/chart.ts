// The line charts of the dashboard. Runs in the browser.

import type { Elements, PageElement } from "./elements.ts";
import type { DashboardFormat } from "./format.ts";
import type { HistoryPoint } from "../metrics/history.ts";

/** The figures that can be drawn. */
export type ChartKey = Exclude<keyof HistoryPoint, "time">;

/** What one chart shows. */
export interface ChartPlan {
  /** The id of the element that it is in. */
  readonly id: string;
  /** Its name. */
  readonly title: string;
  /** Its lines, at most two. */
  readonly lines: readonly { readonly key: ChartKey; readonly label: string }[];
  /** How its values are written. */
  readonly unit: "count" | "rate" | "seconds";
  /** `log` where values of very different size stand side by side. */
  readonly scale: "linear" | "log";
  /** The axis goes at least up to this. */
  readonly top: number;
}

/** The moment that charts are drawn for. */
export interface ChartMoment {
  /** The right end of the time axis, in milliseconds since 1970. */
  readonly now: number;
  /** Where the reader points, from 0 at the left to 1 at the right; null when nowhere. */
  readonly pointed: number | null;
}

/** Draws charts. */
export interface DashboardChart {
  /** Draws a chart anew. */
  draw(
    plan: ChartPlan,
    points: readonly HistoryPoint[],
    moment: ChartMoment,
  ): void;
  /** Calls `onPointed` when the reader points into a chart or leaves it. */
  watch(plan: ChartPlan, onPointed: (part: number | null) => void): void;
}

/** Makes {@linkcode DashboardChart}. */
export function dashboardChart(
  { byId, html, svg }: Elements,
  format: DashboardFormat,
  historySeconds: number,
): DashboardChart {
  const HEIGHT = 150;
  const [LEFT, RIGHT, TOP, BOTTOM] = [52, 10, 8, 20];
  const SPAN_MS = historySeconds * 1000;
  // Points further apart than this are not joined: there was nothing in between.
  const GAP_MS = 3500;

  interface Axis {
    readonly ticks: readonly number[];
    /** From 0 at the bottom to 1 at the top. */
    at(value: number): number;
  }

  function linearAxis(highest: number, wholeSteps: boolean): Axis {
    const raw = highest / 4;
    const power = 10 ** Math.floor(Math.log10(raw));
    const step = Math.max(
      [1, 2, 5, 10].map((n) => n * power).find((one) => one >= raw)!,
      wholeSteps ? 1 : 0,
    );
    const steps = Math.ceil(highest / step);
    const ticks = Array.from({ length: steps + 1 }, (_, i) => i * step);
    return { ticks, at: (value) => value / (steps * step) };
  }

  function logAxis(lowest: number, highest: number): Axis {
    const from = Math.floor(Math.log10(lowest));
    const to = Math.max(Math.ceil(Math.log10(highest)), from + 2);
    const ticks = Array.from(
      { length: to - from + 1 },
      (_, i) => 10 ** (from + i),
    );
    return {
      ticks,
      at: (value) => Math.max(0, (Math.log10(value) - from) / (to - from)),
    };
  }

  function axisOf(plan: ChartPlan, points: readonly HistoryPoint[]): Axis {
    const values = points
      .flatMap((point) => plan.lines.map(({ key }) => point[key]))
      .filter((value) => value !== null);
    const highest = Math.max(plan.top, ...values);
    if (plan.scale === "linear") {
      return linearAxis(highest, plan.unit === "count");
    }
    const lowest = Math.min(plan.top, ...values.filter((value) => value > 0));
    return logAxis(lowest, highest);
  }

  // The points of a line, in pieces that are joined.
  function pieces(
    key: ChartKey,
    points: readonly HistoryPoint[],
    place: (time: number, value: number) => [x: number, y: number],
  ): [x: number, y: number][][] {
    const found: [number, number][][] = [];
    let last = -Infinity;
    for (const point of points) {
      const value = point[key];
      if (value === null) continue;
      if (point.time - last > GAP_MS) found.push([]);
      found.at(-1)!.push(place(point.time, value));
      last = point.time;
    }
    return found;
  }

  function pathOf(piece: readonly [number, number][]): string {
    const steps = piece.map(([x, y]) => `${x.toFixed(1)} ${y.toFixed(1)}`);
    // A line to itself makes a dot of a single point.
    return `M${steps.join("L")}${piece.length === 1 ? `L${steps[0]}` : ""}`;
  }

  function nearest(
    points: readonly HistoryPoint[],
    time: number,
  ): HistoryPoint | undefined {
    const best = points.reduce<HistoryPoint | undefined>(
      (best, one) =>
        best && Math.abs(best.time - time) <= Math.abs(one.time - time)
          ? best
          : one,
      undefined,
    );
    return best && Math.abs(best.time - time) <= GAP_MS ? best : undefined;
  }

  function caption(
    { title, lines, unit }: ChartPlan,
    point: HistoryPoint | undefined,
  ): PageElement {
    const keys = lines.map(({ key, label }, i) => {
      const value = point?.[key] ?? null;
      return html(
        "span",
        { class: "key" },
        svg(
          "svg",
          { width: 18, height: 8, "aria-hidden": "true" },
          svg("path", { class: `line line${i}`, d: "M1 4L17 4" }),
        ),
        lines.length > 1 ? ` ${label} ` : " ",
        html("b", {}, value === null ? "–" : format[unit](value)),
      );
    });
    return html(
      "figcaption",
      {},
      html("span", { class: "name" }, title),
      html("span", {}, ...keys),
    );
  }

  function draw(
    plan: ChartPlan,
    all: readonly HistoryPoint[],
    { now, pointed }: ChartMoment,
  ): void {
    const figure = byId(plan.id);
    const width = Math.max(figure.clientWidth, 200);
    const from = now - SPAN_MS;
    const points = all.filter((point) => point.time >= from);
    const axis = axisOf(plan, points);
    const [innerWidth, bottom] = [width - LEFT - RIGHT, HEIGHT - BOTTOM];
    const x = (time: number) => LEFT + (time - from) / SPAN_MS * innerWidth;
    const y = (value: number) => bottom - axis.at(value) * (bottom - TOP);
    const grid = axis.ticks.flatMap((tick) => [
      svg("path", {
        class: "grid",
        d: `M${LEFT} ${y(tick).toFixed(1)}H${width - RIGHT}`,
      }),
      svg(
        "text",
        { x: LEFT - 6, y: (y(tick) + 3.5).toFixed(1), "text-anchor": "end" },
        format[plan.unit](tick),
      ),
    ]);
    const minutes = historySeconds / 60;
    const times = [0, 0.2, 0.4, 0.6, 0.8, 1].map((part) =>
      svg(
        "text",
        {
          x: (LEFT + part * innerWidth).toFixed(1),
          y: HEIGHT - 5,
          "text-anchor": part === 1 ? "end" : part === 0 ? "start" : "middle",
        },
        part === 1
          ? "now"
          : `−${Math.round(minutes * (1 - part))}${
            part === 0 && innerWidth > 330 ? " min" : ""
          }`,
      )
    );
    const lines = plan.lines.flatMap(({ key }, i) =>
      pieces(key, points, (time, value) => [x(time), y(value)])
        .flatMap((piece) => {
          const line = svg("path", {
            class: `line line${i}`,
            d: pathOf(piece),
          });
          if (plan.lines.length > 1) return [line];
          const end = `V${bottom}H${piece[0]![0].toFixed(1)}Z`;
          return [svg("path", { class: "area", d: pathOf(piece) + end }), line];
        })
    );
    const time = pointed === null ? null : from + pointed * SPAN_MS;
    const shown = time === null ? points.at(-1) : nearest(points, time);
    const cross = time === null ? [] : [
      svg("path", {
        class: "cross",
        d: `M${x(time).toFixed(1)} ${TOP}V${bottom}`,
      }),
      svg(
        "text",
        {
          class: "when",
          x: (x(time) + (pointed! < 0.5 ? 5 : -5)).toFixed(1),
          y: TOP + 6,
          "text-anchor": pointed! < 0.5 ? "start" : "end",
        },
        format.clock(time),
      ),
    ];
    figure.replaceChildren(
      caption(plan, shown),
      svg(
        "svg",
        {
          viewBox: `0 0 ${width} ${HEIGHT}`,
          height: HEIGHT,
          role: "img",
          "aria-label": `${plan.title} over the last ${minutes} minutes`,
        },
        ...grid,
        ...times,
        ...lines,
        ...cross,
      ),
    );
  }

  return {
    draw,
    watch: ({ id }, onPointed) => {
      const figure = byId(id);
      figure.addEventListener("pointermove", ({ clientX }) => {
        const { left, width } = figure.getBoundingClientRect();
        const part = (clientX - left - LEFT) / (width - LEFT - RIGHT);
        onPointed(part >= 0 && part <= 1 ? part : null);
      });
      figure.addEventListener("pointerleave", () => onPointed(null));
    },
  };
}
