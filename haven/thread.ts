// Thread: a Web Worker that serves, as the main thread sees it and as it sees itself.

import {
  type Child,
  type ChildStart,
  ControlClient,
  setLogLevel,
} from "@maple/box/internal";
import type { FlavourApp } from "./flavour.ts";
import type { Ports, ResolvedRun } from "./options.ts";

/** What a thread is told by its name: it must know before it runs the user's module. */
export interface ThreadIdentity extends ChildStart {
  /** By which it is known on its line to the main thread. */
  readonly token: string;
  /** Where it listens. */
  readonly ports: Ports;
}

const NAME_PREFIX = "maple-haven-thread ";
const STOP_MESSAGE = "maple-haven-stop";

/** What this thread was told; `undefined` where it is none of these. */
export function threadIdentity(): ThreadIdentity | undefined {
  const { name } = globalThis as { name?: unknown };
  if (typeof name !== "string" || !name.startsWith(NAME_PREFIX)) {
    return undefined;
  }
  return JSON.parse(name.slice(NAME_PREFIX.length)) as ThreadIdentity;
}

/** A Web Worker that serves, as the main thread sees it. */
export class Thread implements Child {
  /** Its number, from 1; its successor has the same. */
  readonly index: number;
  /** By which it is known on its line to the main thread. */
  readonly token: string = crypto.randomUUID();
  /** When it was started, in milliseconds of `performance.now()`. */
  readonly startedAt: number = performance.now();
  /** Resolves with true when it has said that it is ready, with false when it has ended before. */
  readonly ready: Promise<boolean>;
  /** Resolves with how it ended, for logs. */
  readonly ended: Promise<string>;
  /** Looks of the master since its last sign of life; undefined until the first one. */
  quietLooks: number | undefined;
  readonly #worker: Worker;
  #setReady!: (ready: boolean) => void;
  #setEnded!: (how: string) => void;
  #stopping = false;
  #killTimer: ReturnType<typeof setTimeout> | undefined;

  /** Starts it: the main module of the program runs in it. */
  constructor({ index, controlPort }: ChildStart, ports: Ports) {
    this.index = index;
    this.ready = new Promise((resolve) => this.#setReady = resolve);
    this.ended = new Promise((resolve) => this.#setEnded = resolve);
    const { token } = this;
    const identity: ThreadIdentity = { index, controlPort, token, ports };
    this.#worker = new Worker(Deno.mainModule, {
      type: "module",
      name: NAME_PREFIX + JSON.stringify(identity),
    });
    this.#worker.onerror = (event) => {
      // Else the error would end the whole process.
      event.preventDefault();
      this.#end(`${event.message} (${event.filename}:${event.lineno})`);
    };
  }

  /** `thread 2`, for logs. */
  get name(): string {
    return `thread ${this.index}`;
  }

  /** Tells that it is ready. */
  setReady(): void {
    this.#setReady(true);
  }

  /** Tells that its line to the main thread has ended: nothing else tells that it has left. */
  lineGone(): void {
    this.#end(this.#stopping ? "stopped" : "it left by itself");
  }

  /** Asks it to leave in order; kills it when it has not after `timeoutMs`. */
  stop(timeoutMs: number): void {
    this.#stopping = true;
    this.#worker.postMessage(STOP_MESSAGE);
    this.#killTimer ??= setTimeout(
      () => this.kill(`it did not stop within ${timeoutMs} ms`),
      timeoutMs,
    );
  }

  /** Kills it. */
  kill(why: string): void {
    this.#end(`killed: ${why}`);
  }

  #end(how: string): void {
    clearTimeout(this.#killTimer);
    this.#worker.terminate();
    this.#setReady(false);
    this.#setEnded(how);
  }
}

/**
 * Serves in this thread until the main thread ends it: it never resolves, so that what stands
 * behind `run` is done once, in the main thread.
 */
export async function runThread(
  { index, controlPort, token, ports }: ThreadIdentity,
  options: ResolvedRun,
  app: FlavourApp,
): Promise<never> {
  const logger = app.makeLogger(`haven-${index}`);
  globalThis.addEventListener("message", (event) => {
    if ((event as MessageEvent).data === STOP_MESSAGE) void app.close();
  });
  const line = await ControlClient.connect(
    controlPort,
    token,
    {
      onMasterGone: () => void app.close(),
      onMessage: ({ logLevel }) => {
        if (logLevel !== undefined) setLogLevel(logger, logLevel);
      },
    },
  );
  const reusePort = options.workers > 1;
  await app.listen({ ...options, ...ports, reusePort });
  line.send({ ready: true });
  await app.closed;
  line.close();
  return await new Promise<never>(() => {});
}
