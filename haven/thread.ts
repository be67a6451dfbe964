// Thread: a Web Worker that serves, as the main thread sees it and as it sees itself.

import {
  type Child,
  type ChildEnd,
  type ChildStart,
  ControlClient,
  setLogLevel,
  watchUnhandled,
  writeOutLogs,
} from "@maple/box/internal";
import type { FlavourApp } from "./flavour.ts";
import type { Ports, ResolvedRun } from "./resolve_options.ts";

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
  /** By which it is known on its line to the main thread. */
  readonly token: string = crypto.randomUUID();
  /** `thread 2`, for logs. */
  readonly name: string;
  /** Resolves with how it ended. */
  readonly ended: Promise<ChildEnd>;
  readonly #worker: Worker;
  readonly #onKill: (thread: string, why: string) => void;
  #setEnded!: (end: ChildEnd) => void;
  #leaving = false;

  /**
   * Starts it: the main module of the program runs in it.
   *
   * @param onKill Called when it is to end at once.
   */
  constructor(
    { index, controlPort }: ChildStart,
    ports: Ports,
    onKill: (thread: string, why: string) => void,
  ) {
    this.name = `thread ${index}`;
    this.#onKill = onKill;
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
      this.#end({
        how: `${event.message} (${event.filename}:${event.lineno})`,
        clean: false,
      });
    };
  }

  /** Tells that its line to the main thread has ended: nothing else tells that it has left. */
  lineGone(): void {
    this.#end({
      how: this.#leaving ? "stopped" : "it left by itself",
      clean: this.#leaving,
    });
  }

  /** Asks it to leave in order. */
  leave(): void {
    this.#leaving = true;
    this.#worker.postMessage(STOP_MESSAGE);
  }

  /**
   * Ends it at once, as far as that can be: Deno does not end a thread that computes, which keeps
   * its listener and its connections.
   */
  kill(why: string): void {
    this.#onKill(this.name, why);
    this.#end({ how: "killed", clean: false });
  }

  #end(end: ChildEnd): void {
    this.#worker.terminate();
    this.#setEnded(end);
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
  using unhandled = watchUnhandled(logger, options.onUnhandled);
  let leaving = false;
  const leave = () => {
    leaving = true;
    void app.close();
  };
  globalThis.addEventListener("message", (event) => {
    if ((event as MessageEvent).data === STOP_MESSAGE) leave();
  });
  const line = await ControlClient.connect(
    controlPort,
    { token, index },
    {
      onMasterGone: leave,
      onMessage: ({ logLevel }) => {
        if (logLevel !== undefined) setLogLevel(logger, logLevel);
      },
    },
  );
  const reusePort = options.workers > 1;
  const threads = options.workers;
  const siblings = reusePort ? line : undefined;
  const shared = { ...ports, reusePort, threads, siblings };
  // One that was told to leave before it has begun does not begin.
  if (!leaving) {
    await app.listen({ ...options, ...shared }, index);
    line.send({ ready: true });
  }
  unhandled.started();
  await app.closed;
  await writeOutLogs();
  line.close();
  return await new Promise<never>(() => {});
}
