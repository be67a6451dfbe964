// StubbornProcess: the program stubborn.ts as a process, and who of its processes is left.

import { Box, type BoxFields, TcpClient } from "@maple/box";
import { eventually } from "../helpers/eventually.ts";
import { pathOf, ROOT } from "../helpers/paths.ts";
import { RunningProcess } from "../helpers/process.ts";
import type { Kind, Stubbornness } from "./programs/stubborn.ts";
import { isRunning } from "./worker_process.ts";

/** The program. */
export const STUBBORN: string = pathOf("../system/programs/stubborn.ts");

/** Its options: how it is stubborn, and those of run. */
export type StubbornOptions = Stubbornness & Readonly<Record<string, unknown>>;

/** The program as a process; killed at the end of the test, with all that it has started. */
export class StubbornProcess extends RunningProcess {
  /** Starts it; it is ready when it has said so. */
  static begin(kind: Kind, options: StubbornOptions): StubbornProcess {
    return new StubbornProcess(Deno.execPath(), {
      args: [
        ...["run", "-A", "--config", `${ROOT}/deno.json`, STUBBORN],
        ...[kind, JSON.stringify(options)],
      ],
    });
  }

  /** Starts it and waits until it is ready. */
  static async start(
    kind: Kind,
    options: StubbornOptions,
  ): Promise<StubbornProcess> {
    const process = StubbornProcess.begin(kind, options);
    try {
      await process.line(/^maple \w+ ready/);
    } catch (error) {
      await process[Symbol.asyncDispose]();
      throw error;
    }
    return process;
  }

  /** Where clients connect to a haven. */
  get port(): number {
    return Number(
      /^maple haven ready .*:(\d+)$/m.exec(this.stdout.join("\n"))?.[1],
    );
  }

  /** The processes that it has started. */
  get children(): number[] {
    const lines = this.stderr.matchAll(/\b(?:worker|haven) \d+ \(pid (\d+)\)/g);
    return [...new Set(Array.from(lines, ([, pid]) => Number(pid)))];
  }

  /** Connects a client to a haven. */
  async connect(): Promise<TcpClient<BoxFields>> {
    const client = new TcpClient(Box, "127.0.0.1", this.port, { timeout: 10 });
    await client.connect();
    return client;
  }

  /** Waits for a log line, and gives it. */
  async logged(pattern: RegExp): Promise<string> {
    const find = () =>
      this.stderr.split("\n").find((line) => pattern.test(line));
    await eventually(() => find() !== undefined, {
      timeout: 30_000,
      what: `a log line that matches ${pattern}`,
    }).catch((error) => {
      throw new Error(`${error.message}; the log:\n${this.stderr}`);
    });
    return find()!;
  }

  /** Waits until none of the processes that it has started runs. */
  async childrenGone(): Promise<void> {
    await eventually(() => !this.children.some(isRunning), {
      timeout: 30_000,
      what: `the end of ${this.children}`,
    });
  }

  /** Kills it, and what it has started. */
  override async [Symbol.asyncDispose](): Promise<void> {
    this.kill("SIGKILL");
    for (const pid of this.children.filter(isRunning)) {
      Deno.kill(pid, "SIGKILL");
    }
    await super[Symbol.asyncDispose]();
  }
}
