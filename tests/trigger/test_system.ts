// What the tests of the trigger need around it: a real gateway, a worker and clients, and gateways
// that misbehave.

import {
  Box,
  type BoxFields,
  FrameReader,
  Task,
  TaskCmd,
  TcpClient,
} from "@maple/box";
import { greet, isHello, type Logger, SILENT } from "@maple/box/internal";
import { Gateway, type GatewayOptions } from "@maple/gateway";
import {
  Trigger,
  type TriggerGateway,
  type TriggerOptions,
} from "@maple/trigger";

/** The host of all tests. */
export const HOST = "127.0.0.1";

/** A gateway that listens; its ports are free ones unless given. */
export async function startGateway(
  options: GatewayOptions = {},
): Promise<Gateway> {
  const gateway = new Gateway({
    outerHost: HOST,
    outerPort: 0,
    innerPort: 0,
    drainTimeout: 0,
    logger: SILENT,
    ...options,
  });
  await gateway.listen();
  return gateway;
}

/** Where triggers reach a gateway. */
export function innerAddress(gateway: Gateway): TriggerGateway {
  return { host: HOST, port: gateway.innerAddr!.port };
}

/** A trigger for gateways or ports. */
export function makeTrigger(
  to: Gateway | number,
  options: TriggerOptions = {},
): Trigger {
  const port = typeof to === "number" ? to : to.innerAddr!.port;
  return new Trigger(Box, HOST, port, { logger: SILENT, ...options });
}

// How long anything may take before a test fails instead of hanging.
const LIMIT_MS = 20_000;

async function limited<T>(work: Promise<T>, give: () => void): Promise<T> {
  const timer = setTimeout(give, LIMIT_MS);
  try {
    return await work;
  } finally {
    clearTimeout(timer);
  }
}

/** One end that reads tasks: a worker's, or that of a gateway that a test plays. */
export class TaskConn implements Disposable {
  readonly #reader = new FrameReader(Task, { maxFrameBytes: 2 ** 26 });

  constructor(readonly conn: Deno.Conn) {}

  /** The next task but a trigger's hello; null when the other side has ended. */
  async read(): Promise<Task | null> {
    for (;;) {
      const frame = this.#reader.take();
      if (frame && isHello(frame)) continue;
      if (frame) return Task.fromFrame(frame);
      const reading = this.conn.read(this.#reader.space());
      const count = await limited(reading, () => this.conn.close());
      if (count === null) return null;
      this.#reader.commit(count);
    }
  }

  /** Asks for a task as an original worker does, and waits for it. */
  async work(): Promise<Task> {
    await this.conn.write(
      new Task({ cmd: TaskCmd.WORKER_ASK_FOR_TASK }).pack(),
    );
    const task = await this.read();
    if (!task) {
      throw new Error("The gateway has closed the worker's connection");
    }
    return task;
  }

  [Symbol.dispose](): void {
    this.conn.close();
  }
}

/** A worker that is attached to a gateway. */
export async function startWorker(gateway: Gateway): Promise<TaskConn> {
  const { port } = gateway.innerAddr!;
  return new TaskConn(await Deno.connect({ hostname: HOST, port }));
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
  gateway: Gateway,
  worker: TaskConn,
): Promise<JoinedClient> {
  const { port } = gateway.outerAddr!;
  const client = new TcpClient(Box, HOST, port, { timeout: 10 });
  await client.connect();
  const created = await worker.work();
  if (created.cmd !== TaskCmd.CLIENT_CREATED) {
    throw new Error(`Expected CLIENT_CREATED, got ${created}`);
  }
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

/** A gateway that a test plays: it accepts, and the test does the rest. */
export class PlayedGateway implements Disposable {
  readonly #listener = Deno.listen({ hostname: HOST, port: 0 });
  readonly port: number = this.#listener.addr.port;

  /** The next connection; it is greeted unless an original gateway is played. */
  async accept({ greets = true } = {}): Promise<TaskConn> {
    const accepting = this.#listener.accept();
    const conn = await limited(accepting, () => this.#listener.close());
    if (greets) await conn.write(greet({}));
    return new TaskConn(conn);
  }

  [Symbol.dispose](): void {
    this.#listener.close();
  }
}

/** The same promise, but a test that waits too long for it fails. */
export function within<T>(work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    limited(work, () => reject(new Error("It takes too long")))
      .then(resolve, reject);
  });
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

/** A log that tells of its first warning. */
export class LogSignal implements Logger {
  readonly #first = Promise.withResolvers<string>();
  /** The first warning. */
  readonly warned: Promise<string> = this.#first.promise;

  debug(): void {}
  info(): void {}
  error(): void {}
  warn(message: string): void {
    this.#first.resolve(message);
  }
}

/** Resolves when something holds that nobody tells of. */
export async function until(holds: () => boolean): Promise<void> {
  const end = performance.now() + LIMIT_MS;
  while (!holds()) {
    if (performance.now() > end) throw new Error(`Never came true: ${holds}`);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

/** A port that nobody listens on. */
export function freePort(): number {
  using gateway = new PlayedGateway();
  return gateway.port;
}
