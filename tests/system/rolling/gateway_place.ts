// GatewayPlace: where a gateway runs, one after the other: as a process, on the same ports.

import { eventually } from "../../helpers/eventually.ts";
import { freePort } from "../../helpers/free_port.ts";
import {
  GATEWAY_ARGS,
  type GatewayProcess,
  startGatewayProcess,
} from "../../helpers/gateway_process.ts";
import { RollingCmd } from "../programs/rolling_worker.ts";

const HOST = "127.0.0.1";

/** How the gateways of a place are started. */
export interface PlaceOptions {
  /** Its port for clients. @default a free one */
  readonly outerPort?: number;
  /** Seconds over which its clients move. */
  readonly lameDuck: number;
  /** Seconds in which it is seen before that it leaves. */
  readonly notice: number;
  /** More flags. @default {[]} */
  readonly flags?: readonly string[];
  /** More of Deno's. @default {[]} */
  readonly denoFlags?: readonly string[];
}

/** How a gateway has left. */
export interface Departure {
  /** Its exit code. */
  readonly code: number;
  /** Seconds from TERM to its end. */
  readonly seconds: number;
  /** What it has said of its clients. */
  readonly moved: string;
}

/** Where a gateway runs. */
export class GatewayPlace implements AsyncDisposable {
  /** Its port for clients. */
  readonly outerPort: number;
  /** Its port for workers. */
  readonly innerPort: number = freePort();
  /** Where its health is told. */
  readonly statusPort: number = freePort();
  readonly #options: PlaceOptions;
  #gateway: GatewayProcess | undefined;

  /**
   * Nothing runs there yet.
   *
   * @param options How its gateways are started.
   */
  constructor(options: PlaceOptions) {
    this.#options = options;
    this.outerPort = options.outerPort ?? freePort();
  }

  /** Starts a gateway there. */
  async start(): Promise<void> {
    const { lameDuck, notice, flags = [], denoFlags = [] } = this.#options;
    this.#gateway = await startGatewayProcess([
      ...["--outer-port", `${this.outerPort}`],
      ...["--inner-port", `${this.innerPort}`],
      ...["--metrics", `${HOST}:${this.statusPort}`],
      ...["--move-cmd", `${RollingCmd.MOVE}`, "--lame-duck", `${lameDuck}`],
      ...["--lame-duck-notice", `${notice}`, "--log-level", "INFO"],
      // However busy the machine is: nobody is to be closed.
      ...["--move-timeout", "60"],
      ...flags,
    ], ["run", ...denoFlags, ...GATEWAY_ARGS.slice(1)]);
  }

  /** Waits until it has a worker, and so takes clients. */
  async ready(): Promise<void> {
    await eventually(() => this.#isReady(), {
      timeout: 60_000,
      what: `a gateway on port ${this.outerPort} that is ready`,
    });
  }

  /** Has the gateway leave, and waits for its end. */
  async leave(): Promise<Departure> {
    await using gateway = this.#gateway!;
    const { process } = gateway;
    const from = performance.now();
    process.kill("SIGTERM");
    const { code } = await process.finished(600_000);
    const [moved = process.stderr] =
      /clients asked to move: .*/.exec(process.stderr) ?? [];
    return { code, seconds: (performance.now() - from) / 1000, moved };
  }

  /** Kills what runs there. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#gateway?.[Symbol.asyncDispose]();
  }

  async #isReady(): Promise<boolean> {
    try {
      const url = `http://${HOST}:${this.statusPort}/healthz?ready`;
      const response = await fetch(url);
      await response.body?.cancel();
      return response.ok;
    } catch {
      return false;
    }
  }
}
