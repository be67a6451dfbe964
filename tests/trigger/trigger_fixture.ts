// What the tests of the trigger share: triggers without a log, clients whose coming a worker has
// seen, and a gateway that hangs.

import {
  Box,
  type BoxFields,
  type Task,
  TaskCmd,
  type TcpClient,
} from "@maple/box";
import { SILENT } from "@maple/box/internal";
import {
  Trigger,
  type TriggerGateway,
  type TriggerOptions,
} from "@maple/trigger";
import type { GatewayFixture } from "../helpers/gateway_fixture.ts";
import type { RawWorker } from "../helpers/raw_worker.ts";

/** The host of all tests. */
export const HOST = "127.0.0.1";

/** Where triggers reach a gateway. */
export function innerAddress({ inner }: GatewayFixture): TriggerGateway {
  return { host: inner.hostname, port: inner.port };
}

/** A trigger for a gateway or a port. */
export function makeTrigger(
  to: GatewayFixture | number,
  options: TriggerOptions = {},
): Trigger {
  const port = typeof to === "number" ? to : to.inner.port;
  return new Trigger(Box, HOST, port, { logger: SILENT, ...options });
}

/** A client, and the task that told of its connection. */
export interface JoinedClient extends AsyncDisposable {
  /** What it reads with. */
  readonly client: TcpClient<BoxFields>;
  /** The task CLIENT_CREATED. */
  readonly created: Task;
}

/** Connects a client; the worker must have had all tasks before. */
export async function joinClient(
  gateway: GatewayFixture,
  worker: RawWorker,
): Promise<JoinedClient> {
  const client = await gateway.connect();
  const created = await worker.pull(TaskCmd.CLIENT_CREATED);
  return {
    client,
    created,
    [Symbol.asyncDispose]: () => client[Symbol.asyncDispose](),
  };
}

/** The text of the next box that a client gets. */
export async function nextText(joined: JoinedClient): Promise<string> {
  const box = await joined.client.read();
  return box ? box.text() : "closed";
}

/** A listener whose backlog is full: an attempt to connect hangs. */
export async function hangingGateway(): Promise<
  AsyncDisposable & { readonly port: number }
> {
  const stack = new AsyncDisposableStack();
  // Older versions of Deno know no tcpBacklog and have a larger one.
  const options = { hostname: HOST, port: 0, tcpBacklog: 1 };
  const listener = stack.use(Deno.listen(options));
  const { port } = listener.addr as Deno.NetAddr;
  for (;;) {
    const attempt = new AbortController();
    const { signal } = attempt;
    const timer = setTimeout(() => attempt.abort(), 200);
    try {
      const conn = await Deno.connect({ hostname: HOST, port, signal });
      stack.defer(() => conn.close());
    } catch {
      return Object.assign(stack, { port });
    } finally {
      clearTimeout(timer);
    }
  }
}
