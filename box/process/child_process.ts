// ChildProcess: a process as its master sees it.

import { BoxError } from "../errors.ts";
import type { Child, ChildEnd, ChildStart } from "./child.ts";
import { eachLine } from "./lines.ts";
import type { SelfCommand } from "./self_command.ts";
import { returnToFolder } from "./working_folder.ts";

/** Environment variables by which a child knows what it is. */
export const CHILD_ENV = {
  /** Its number, from 1. */
  INDEX: "MAPLE_WORKER",
  /** `PORT:TOKEN` of the line to its master. */
  CONTROL: "MAPLE_WORKER_CONTROL",
  /** What children before it have left for it. */
  NOTE: "MAPLE_WORKER_NOTE",
  /** Milliseconds after which it is to be gone when its master is. */
  STOP_LIMIT: "MAPLE_WORKER_STOP_LIMIT",
} as const;

/** A process as its master sees it. */
export class ChildProcess implements Child {
  /** By which it is known on its line to the master. */
  readonly token: string = crypto.randomUUID();
  /** `worker 2 (pid 4711)`, for logs. */
  readonly name: string;
  /** Resolves with how it ended. */
  readonly ended: Promise<ChildEnd>;
  readonly #process: Deno.ChildProcess;

  /**
   * Starts it.
   *
   * @throws {BoxError} `state` when it cannot be started.
   */
  constructor(
    command: SelfCommand,
    { role, index, controlPort, note, env, onStderr }: ChildStart & {
      role: string;
      env: Readonly<Record<string, string>>;
      /** Takes the lines of its stderr. @default {they go to that of this process} */
      onStderr?: ((line: string) => void) | undefined;
    },
  ) {
    const { program, args, cwd } = command;
    // Deno before 2.8 starts nothing from a folder that is gone, wherever it is to be started.
    if (cwd !== undefined) returnToFolder(cwd, `${role} ${index}`);
    try {
      this.#process = new Deno.Command(program, {
        args: [...args],
        ...(cwd === undefined ? {} : { cwd }),
        env: {
          ...env,
          [CHILD_ENV.INDEX]: String(index),
          [CHILD_ENV.CONTROL]: `${controlPort}:${this.token}`,
          ...(note === undefined ? {} : { [CHILD_ENV.NOTE]: note }),
        },
        stdin: "null",
        stdout: "inherit",
        stderr: onStderr ? "piped" : "inherit",
      }).spawn();
      if (onStderr) void eachLine(this.#process.stderr, onStderr);
    } catch (cause) {
      throw new BoxError(
        "state",
        `Cannot start ${role} ${index}: ${(cause as Error).message}`,
        { cause },
      );
    }
    this.name = `${role} ${index} (pid ${this.#process.pid})`;
    this.ended = this.#process.status.then(({ code, signal }) => ({
      how: signal === null ? `exit code ${code}` : `signal ${signal}`,
      clean: code === 0,
      code,
    }));
  }

  /** Nothing: its end is noticed by itself. */
  lineGone(): void {}

  /** Asks it to leave in order. */
  leave(): void {
    this.#signal("SIGTERM");
  }

  /** Ends it at once. */
  kill(): void {
    this.#signal("SIGKILL");
  }

  #signal(signal: Deno.Signal): void {
    try {
      this.#process.kill(signal);
    } catch {
      // It has ended already.
    }
  }
}
