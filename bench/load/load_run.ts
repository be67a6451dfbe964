// LoadRun: one process's share of the load: connects, logs in, sends, counts.

import { Box } from "@maple/box";
import { readInt32 } from "@maple/box/internal";
import { LatencyHistogram } from "./latency_histogram.ts";
import { openLink } from "./link.ts";
import {
  LoadConnection,
  type LoadCounter,
  RET,
  SN,
} from "./load_connection.ts";
import type { LoadResult } from "./load_result.ts";
import type { LoadOptions } from "./options.ts";

// Connections that are being opened at a time.
const OPENING = 100;
// How often is looked for requests that are due, and for those that take too long.
const DUE_MS = 1;
const LOOK_MS = 100;
const LOGIN_SN = 1;

/** How far a run is. */
export interface LoadProgress {
  /** Requests that were answered. */
  readonly answered: number;
  /** Requests that have failed. */
  readonly failed: number;
}

/** One process's share of the load. Call `connect`, then `run` once. */
export class LoadRun implements LoadCounter, AsyncDisposable {
  readonly #options: LoadOptions;
  readonly #connections: LoadConnection[];
  readonly #latency = new LatencyHistogram();
  readonly #errors = new Map<string, number>();
  readonly #answeredBefore: number[];
  #successful = 0;
  #failed = 0;
  #pushes = 0;
  #running = false;
  #since = 0;
  #left = Infinity;
  #finish: () => void = () => {};
  #timers: ReturnType<typeof setInterval>[] = [];

  /** Makes a run that has not begun. */
  constructor(options: LoadOptions) {
    this.#options = options;
    const { connections, cmd, bodyBytes, depth, requests } = options;
    const frame = new Box({ cmd, body: new Uint8Array(bodyBytes) }).pack();
    this.#connections = Array.from(
      { length: connections },
      (_, i) => new LoadConnection(i, this, { frame, depth }),
    );
    this.#answeredBefore = new Array<number>(connections).fill(0);
    if (requests) this.#left = requests * connections;
  }

  /** How far it is. */
  get progress(): LoadProgress {
    return { answered: this.#latency.count, failed: this.#failed };
  }

  /** Opens the connections, and logs in; what does not succeed is counted as an error. */
  async connect(): Promise<void> {
    const caCerts = this.#options.caFile === undefined
      ? undefined
      : [await Deno.readTextFile(this.#options.caFile)];
    const waiting = this.#connections.values();
    await Promise.all(
      Array.from({ length: OPENING }, async () => {
        for (const connection of waiting) {
          await this.#open(connection, caCerts).catch((error: Error) =>
            this.#countError(`connect: ${error.message}`)
          );
        }
      }),
    );
  }

  /** Sends and counts until all is answered or the time is over. */
  async run(): Promise<LoadResult> {
    const { requests, duration, warmUp, rate, depth } = this.#options;
    const over = new Promise<void>((resolve) => this.#finish = resolve);
    this.#running = true;
    this.#since = performance.now();
    this.#timers.push(setInterval(() => this.#look(), LOOK_MS));
    if (duration !== undefined) {
      this.#after(warmUp, () => this.#startOver());
      this.#after(warmUp + duration, () => this.#finish());
    }
    // What belongs to connections that never came up.
    for (const connection of this.#connections) {
      if (!connection.open && requests) this.#fail(undefined, requests);
    }
    if (requests === 0) {
      if (!this.#connections.some(({ open }) => open)) this.#finish();
    } else if (rate === undefined) {
      for (const connection of this.#connections) {
        for (let i = Math.min(depth, requests ?? depth); i > 0; i--) {
          connection.send(performance.now());
        }
      }
      if (!this.#connections.some(({ open }) => open)) this.#finish();
    } else this.#keepSchedule(rate);
    await over;
    const elapsed = (performance.now() - this.#since) / 1000;
    this.#running = false;
    return this.#result(elapsed);
  }

  /** Closes the connections. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#running = false;
    for (const timer of this.#timers) clearInterval(timer);
    await Promise.all(this.#connections.map(({ link }) => link?.close()));
  }

  /** See {@linkcode LoadCounter}. */
  onAnswer(
    connection: LoadConnection,
    milliseconds: number,
    ret: number,
  ): void {
    if (!this.#running) return;
    this.#latency.record(milliseconds);
    if (ret === 0) this.#successful++;
    else this.#fail(`answered with ret ${ret}`);
    this.#next(connection);
    if (ret === 0) this.#oneLess();
  }

  /** See {@linkcode LoadCounter}. */
  onPush(): void {
    this.#pushes++;
  }

  async #open(
    connection: LoadConnection,
    caCerts: string[] | undefined,
  ): Promise<void> {
    const { target, login, timeout } = this.#options;
    const { promise: loggedIn, resolve } = Promise.withResolvers<string>();
    const link = await openLink(target, {
      onFrame: (frame) => {
        if (connection.open) connection.onFrame(frame);
        else if (readInt32(frame, SN) !== LOGIN_SN) this.#pushes++;
        else {
          const ret = readInt32(frame, RET);
          connection.open = ret === 0;
          resolve(ret === 0 ? "" : `answered with ret ${ret}`);
        }
      },
      onClose: (reason) => {
        resolve(reason);
        this.#onClose(connection, reason);
      },
    }, { timeoutMs: timeout * 1000, ...(caCerts ? { caCerts } : {}) });
    connection.link = link;
    if (login === undefined) {
      connection.open = true;
      return;
    }
    const timer = setTimeout(() => resolve("timed out"), timeout * 1000);
    const body = { uid: login + connection.index };
    link.send(
      new Box({ cmd: this.#options.loginCmd, sn: LOGIN_SN, body }).pack(),
    );
    const refused = await loggedIn;
    clearTimeout(timer);
    if (refused !== "") this.#countError(`login: ${refused}`);
  }

  #onClose(connection: LoadConnection, reason: string): void {
    if (!connection.open) return;
    const { requests } = this.#options;
    const { waiting } = connection;
    const lost = connection.end();
    this.#countError(`connection ${reason}`);
    if (!this.#running) return;
    const unsent = requests ? requests - connection.sent : waiting;
    this.#fail(undefined, lost + unsent);
    if (!this.#connections.some(({ open }) => open)) this.#finish();
  }

  #next(connection: LoadConnection): void {
    const { requests, rate } = this.#options;
    if (rate !== undefined) return;
    if (requests !== undefined && connection.sent >= requests) return;
    connection.send(performance.now());
  }

  // Each request has its time, whatever became of those before it, and its response time counts
  // from then.
  #keepSchedule(rate: number): void {
    const { requests, connections } = this.#options;
    const total = requests === undefined ? Infinity : requests * connections;
    const start = performance.now();
    let issued = 0;
    this.#timers.push(setInterval(() => {
      const due = Math.min((performance.now() - start) * rate / 1000, total);
      for (; issued < due; issued++) {
        const connection = this.#connections[issued % connections]!;
        const at = start + issued * 1000 / rate;
        if (connection.open) connection.sendDue(at);
        else if (requests === undefined) this.#fail(undefined);
      }
    }, DUE_MS));
  }

  #look(): void {
    const before = performance.now() - this.#options.timeout * 1000;
    for (const connection of this.#connections) {
      const count = connection.giveUp(before);
      if (count === 0) continue;
      for (let i = 0; i < count; i++) this.#next(connection);
      this.#fail("no answer in time", count);
    }
  }

  #startOver(): void {
    this.#latency.reset();
    this.#successful = this.#failed = this.#pushes = 0;
    this.#since = performance.now();
    for (const { index, answered } of this.#connections) {
      this.#answeredBefore[index] = answered;
    }
  }

  #fail(kind: string | undefined, count = 1): void {
    if (kind !== undefined) this.#countError(kind, count);
    this.#failed += count;
    this.#oneLess(count);
  }

  #oneLess(count = 1): void {
    this.#left -= count;
    if (this.#left <= 0) this.#finish();
  }

  #countError(kind: string, count = 1): void {
    this.#errors.set(kind, (this.#errors.get(kind) ?? 0) + count);
  }

  #after(seconds: number, run: () => void): void {
    if (seconds === 0) return;
    this.#timers.push(setTimeout(run, seconds * 1000));
  }

  #result(elapsed: number): LoadResult {
    return {
      connections: this.#connections.length,
      elapsed,
      successful: this.#successful,
      failed: this.#failed,
      pushes: this.#pushes,
      errors: Object.fromEntries(this.#errors),
      latency: this.#latency.toJSON(),
      served: this.#connections.map(({ index, answered }) =>
        answered - this.#answeredBefore[index]!
      ),
    };
  }
}
