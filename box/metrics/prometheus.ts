// PrometheusText: metrics in Prometheus's text format.

import type { HistogramData } from "./histogram.ts";

/** The labels of one sample. */
export type MetricLabels = Readonly<Record<string, string>>;

/** One value without labels, or one for each set of labels. */
export type MetricSamples =
  | number
  | readonly (readonly [labels: MetricLabels, value: number])[];

/** The histograms of a family, each with its labels. */
export type HistogramSamples =
  readonly (readonly [labels: MetricLabels, histogram: HistogramData])[];

const METRIC_NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const LABEL_NAME = /^[a-zA-Z_][a-zA-Z0-9_]*$/;

/**
 * Writes metrics in Prometheus's text format, version 0.0.4. A family without samples is left out.
 *
 * @example
 * ```ts
 * import { PrometheusText } from "@maple/box/internal";
 *
 * new PrometheusText()
 *   .gauge("maple_gateway_clients", "Clients connected now.", 3)
 *   .counter("maple_worker_tasks_total", "Tasks finished.", [
 *     [{ worker: "1" }, 17],
 *   ])
 *   .toString();
 * ```
 */
export class PrometheusText {
  readonly #families = new Set<string>();
  #text = "";

  /**
   * Adds a value that goes up and down.
   *
   * @throws {TypeError} when a name is none, or was added before.
   */
  gauge(name: string, help: string, samples: MetricSamples): this {
    return this.#plain("gauge", [name, help], samples);
  }

  /**
   * Adds a value that only grows. Its name should end in `_total`.
   *
   * @throws {TypeError} when a name is none, or was added before.
   */
  counter(name: string, help: string, samples: MetricSamples): this {
    return this.#plain("counter", [name, help], samples);
  }

  /**
   * Adds histograms.
   *
   * @throws {TypeError} when a name is none, or was added before.
   */
  histogram(name: string, help: string, samples: HistogramSamples): this {
    if (samples.length === 0) return this;
    this.#head("histogram", name, help);
    for (const [labels, { bounds, counts, count, sum }] of samples) {
      let upTo = 0;
      bounds.forEach((bound, i) => {
        upTo += counts[i] ?? 0;
        this.#sample(`${name}_bucket`, { ...labels, le: String(bound) }, upTo);
      });
      this.#sample(`${name}_bucket`, { ...labels, le: "+Inf" }, count);
      this.#sample(`${name}_sum`, labels, sum);
      this.#sample(`${name}_count`, labels, count);
    }
    return this;
  }

  /** All that was added. */
  toString(): string {
    return this.#text;
  }

  /** All that was added, as an HTTP answer. */
  toResponse(): Response {
    return new Response(this.#text, {
      headers: {
        "content-type": "text/plain; version=0.0.4; charset=utf-8",
        "cache-control": "no-store",
      },
    });
  }

  #plain(
    type: "gauge" | "counter",
    [name, help]: [name: string, help: string],
    samples: MetricSamples,
  ): this {
    const list = typeof samples === "number"
      ? [[{}, samples] as const]
      : samples;
    if (list.length === 0) return this;
    this.#head(type, name, help);
    for (const [labels, value] of list) this.#sample(name, labels, value);
    return this;
  }

  #head(type: string, name: string, help: string): void {
    if (!METRIC_NAME.test(name)) {
      throw new TypeError(`Cannot write the metric "${name}": no metric name`);
    }
    if (this.#families.has(name)) {
      throw new TypeError(`Cannot write the metric "${name}" twice`);
    }
    this.#families.add(name);
    this.#text += `# HELP ${name} ${escape(help)}\n# TYPE ${name} ${type}\n`;
  }

  #sample(name: string, labels: MetricLabels, value: number): void {
    const pairs = Object.entries(labels).map(([label, text]) => {
      if (!LABEL_NAME.test(label)) {
        throw new TypeError(
          `Cannot write the metric "${name}": no label name "${label}"`,
        );
      }
      return `${label}="${escape(text).replaceAll('"', '\\"')}"`;
    });
    const set = pairs.length > 0 ? `{${pairs.join(",")}}` : "";
    this.#text += `${name}${set} ${formatNumber(value)}\n`;
  }
}

function escape(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
}

function formatNumber(value: number): string {
  if (value === Infinity) return "+Inf";
  return value === -Infinity ? "-Inf" : String(value);
}
