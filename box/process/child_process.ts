// ChildProcess: a process as its master sees it.

import type { Child, ChildStart } from "./child.ts";
import type { SelfCommand } from "./self_command.ts";

/** Environment variables by which a child knows what it is. */
export const CHILD_ENV = {
  /** Its number, from 1. */
  INDEX: "MAPLE_WORKER",
  /** `PORT:TOKEN` of the line to its master. */
  CONTROL: "MAPLE_WORKER_CONTROL",
} as const;

/** A process as its master sees it. */
export class ChildProcess implements Child {
  /** Its number, from 1; its successor has the same. */
  readonly index: number;
  /** By which it is known on its line to the master. */
  readonly token: string = crypto.randomUUID();
  /** When it was started, in milliseconds of `performance.now()`. */
  readonly startedAt: number = performance.now();
  /** Resolves with true when it has said that it is ready, with false when it has ended before. */
  readonly ready: Promise<boolean>;
  /** Resolves with how it ended, for logs. */
  readonly ended: Promise<string>;
  /** Looks of the master since its last sign of life; undefined until the first one. */
  quietLooks: number | undefined;
  readonly #role: string;
  readonly #process: Deno.ChildProcess;
  #setReady!: (ready: boolean) => void;
  #killTimer: ReturnType<typeof setTimeout> | undefined;
  #killedFor: string | undefined;

  /** Starts it. */
  constructor(
    command: SelfCommand,
    { role, index, controlPort, env }: ChildStart & {
      role: string;
      env: Readonly<Record<string, string>>;
    },
  ) {
    this.index = index;
    this.#role = role;
    this.ready = new Promise((resolve) => this.#setReady = resolve);
    this.#process = new Deno.Command(command.program, {
      args: [...command.args],
      env: {
        ...env,
        [CHILD_ENV.INDEX]: String(index),
        [CHILD_ENV.CONTROL]: `${controlPort}:${this.token}`,
      },
      stdin: "null",
      stdout: "inherit",
      stderr: "inherit",
    }).spawn();
    this.ended = this.#process.status.then((status) => {
      clearTimeout(this.#killTimer);
      this.#setReady(false);
      return this.#describeEnd(status);
    });
  }

  /** `worker 2 (pid 4711)`, for logs. */
  get name(): string {
    return `${this.#role} ${this.index} (pid ${this.#process.pid})`;
  }

  /** Tells that it is ready. */
  setReady(): void {
    this.#setReady(true);
  }

  /** Nothing: its end is noticed by itself. */
  lineGone(): void {}

  /** Asks it to leave in order; kills it when it has not after `timeoutMs`. */
  stop(timeoutMs: number): void {
    this.#signal("SIGTERM");
    this.#killTimer ??= setTimeout(
      () => this.kill(`it did not stop within ${timeoutMs} ms`),
      timeoutMs,
    );
  }

  /** Kills it. */
  kill(why: string): void {
    this.#killedFor ??= why;
    this.#signal("SIGKILL");
  }

  #signal(signal: Deno.Signal): void {
    try {
      this.#process.kill(signal);
    } catch {
      // It has ended already.
    }
  }

  #describeEnd({ code, signal }: Deno.CommandStatus): string {
    if (this.#killedFor !== undefined) return `killed: ${this.#killedFor}`;
    return signal === null ? `exit code ${code}` : `signal ${signal}`;
  }
}
