// Prometheus itself, where it is installed: it scrapes what a test starts, and answers queries.

import { freePort } from "./free_port.ts";
import { isInstalled } from "./installed.ts";
import { eventually } from "./eventually.ts";
import { RunningProcess } from "./process.ts";

/** Whether it is installed. */
export const hasPrometheus: boolean = await isInstalled(
  ["prometheus", "--version"],
  {
    packages: "prometheus",
    untested: "the board's queries are not tried with it",
  },
);

/** A series that a query has found. */
export interface FoundSeries {
  /** Its labels. */
  readonly metric: Readonly<Record<string, string>>;
  /** When, and how much. */
  readonly value: readonly [time: number, value: string];
}

/** A Prometheus that runs; at the end of the test it is killed, by its own id. */
export class Prometheus implements AsyncDisposable {
  readonly #process: RunningProcess;
  readonly #folder: string;
  readonly #url: string;

  private constructor(process: RunningProcess, folder: string, url: string) {
    this.#process = process;
    this.#folder = folder;
    this.#url = url;
  }

  /**
   * Starts one that scrapes every other second.
   *
   * @param jobs `HOST:PORT` of what it scrapes, by the name of the job.
   */
  static async start(
    jobs: Readonly<Record<string, readonly string[]>>,
  ): Promise<Prometheus> {
    const folder = await Deno.makeTempDir({ prefix: "maple_prometheus_" });
    const config = {
      global: { scrape_interval: "2s", scrape_timeout: "2s" },
      scrape_configs: Object.entries(jobs).map(([job_name, targets]) => ({
        job_name,
        static_configs: [{ targets }],
      })),
    };
    // JSON is YAML as well.
    await Deno.writeTextFile(`${folder}/config.yml`, JSON.stringify(config));
    const address = `127.0.0.1:${freePort()}`;
    const process = new RunningProcess("prometheus", {
      args: [
        `--config.file=${folder}/config.yml`,
        `--storage.tsdb.path=${folder}/data`,
        `--web.listen-address=${address}`,
      ],
    });
    const prometheus = new Prometheus(process, folder, `http://${address}`);
    try {
      await eventually(() => /is ready to receive/.test(process.stderr), {
        timeout: 60_000,
        what: "Prometheus is ready",
      });
    } catch (error) {
      await prometheus[Symbol.asyncDispose]();
      throw new Error(`${(error as Error).message}: ${process.stderr}`);
    }
    return prometheus;
  }

  /**
   * What a query finds now.
   *
   * @throws {Error} with what it says, when it cannot read the query.
   */
  async query(query: string): Promise<FoundSeries[]> {
    const response = await fetch(`${this.#url}/api/v1/query`, {
      method: "POST",
      body: new URLSearchParams({ query }),
    });
    const { status, error, data } = await response.json();
    if (status !== "success") throw new Error(`${query}: ${error}`);
    return data.result;
  }

  /** Kills it and removes what it has kept. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process[Symbol.asyncDispose]();
    await Deno.remove(this.#folder, { recursive: true });
  }
}
