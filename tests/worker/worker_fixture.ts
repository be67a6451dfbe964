// WorkerFixture: a worker in this process, attached to gateways of this process.

import { Box, type BoxFields, type BoxInit, type TcpClient } from "@maple/box";
import {
  type AttachOptions,
  Worker,
  type WorkerOptions,
  type WorkerRequest,
} from "@maple/worker";
import type { GatewayFixture } from "../helpers/gateway_fixture.ts";
import { LogCollector } from "../helpers/log_collector.ts";

/** How a worker is made and attached. */
export interface WorkerFixtureOptions {
  /** Adds routes and hooks. @default cmd 1 is answered with its own body */
  register?: (app: Worker) => unknown;
  /** Options of the worker. */
  worker?: WorkerOptions;
  /** Options of `attach` but for the gateways. */
  attach?: AttachOptions;
}

/** A worker in this process; closed in order at the end of the test. */
export class WorkerFixture implements AsyncDisposable {
  /** What it logged. */
  readonly log: LogCollector = new LogCollector();
  /** The worker. */
  readonly app: Worker;

  /** Makes a worker that is not attached. */
  constructor({ register = echo, worker = {} }: WorkerFixtureOptions = {}) {
    this.app = new Worker(Box, { logger: this.log, ...worker });
    register(this.app);
  }

  /** Makes a worker and attaches it. */
  static async attach(
    gateways: GatewayFixture | readonly GatewayFixture[],
    options: WorkerFixtureOptions = {},
  ): Promise<WorkerFixture> {
    const fixture = new WorkerFixture(options);
    const list = "gateway" in gateways ? [gateways] : gateways;
    await fixture.app.attach({
      gateways: list.map(addressOf),
      ...options.attach,
    });
    return fixture;
  }

  /** Closes the worker. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.app.close();
  }
}

/** Where a worker finds a gateway. */
export function addressOf(
  { inner }: GatewayFixture,
): { host: string; port: number } {
  return { host: inner.hostname, port: inner.port };
}

/** Cmd 1 is answered with its own body. */
export function echo(app: Worker): void {
  app.route(1, sendBack, "echo");
}

/** Answers with the request's own body. */
export function sendBack(request: WorkerRequest): Promise<boolean> {
  return request.writeToClient({ ret: 0, body: request.box.body });
}

/** Sends one box and reads the next. */
export async function call(
  client: TcpClient<BoxFields>,
  init: BoxInit<BoxFields>,
): Promise<Box> {
  await client.write(init);
  return await next(client);
}

/** Reads the next box; the connection must not end before. */
export async function next(client: TcpClient<BoxFields>): Promise<Box> {
  const box = await client.read();
  if (!box) throw new Error("the connection was closed");
  return box as Box;
}

/** A door that handlers wait at until the test opens it. */
export class Door {
  /** How many came to it. */
  arrived = 0;
  readonly #opened = Promise.withResolvers<void>();

  /** Waits until it is open. */
  pass(): Promise<void> {
    this.arrived++;
    return this.#opened.promise;
  }

  /** Lets all through, those that come later too. */
  open(): void {
    this.#opened.resolve();
  }
}
