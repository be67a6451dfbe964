// WorkerProcess: a worker's master as a process, and what can be seen of its children.

import type { RunOptions } from "@maple/worker";
import { eventually } from "../helpers/eventually.ts";
import { PERMISSIONS } from "../helpers/permissions.ts";
import { pathOf, ROOT } from "../helpers/paths.ts";
import { RunningProcess } from "../helpers/process.ts";
import type { Address } from "../helpers/raw_peer.ts";

/** The program of most of these tests. */
export const LIFE_WORKER: string = pathOf("../system/programs/life_worker.ts");

const READY = /^maple worker ready workers=(\d+) gateways=\S+:\d+$/;

/** How a worker is started. */
export interface WorkerProcessOptions extends Omit<RunOptions, "signal"> {
  /** The program. @default {LIFE_WORKER} */
  program?: string;
  /**
   * Whether it may do all, and not only what it needs: only then Deno lets a master read the flags
   * that it was started with, for its children. @default {whether it is another program}
   */
  all?: boolean;
  /** Whether to wait until it is ready. @default {true} */
  waits?: boolean;
  /** Where it runs. */
  cwd?: string;
  /** Variables to set in addition to this process's own. */
  env?: Readonly<Record<string, string>>;
}

/** A child that the master has started. */
export interface StartedChild {
  /** Its place. */
  readonly index: number;
  /** Its process. */
  readonly pid: number;
}

/** A worker's master; killed at the end of the test, which its children notice. */
export class WorkerProcess extends RunningProcess {
  /** Starts it. */
  static async start(
    { port }: Address,
    {
      program = LIFE_WORKER,
      // Elsewhere it is found by --config, which its children get only if it may do all.
      all = !program.startsWith(ROOT),
      waits = true,
      cwd = ROOT,
      env = {},
      ...options
    }: WorkerProcessOptions = {},
  ): Promise<WorkerProcess> {
    const process = new WorkerProcess(Deno.execPath(), {
      cwd,
      env,
      args: [
        ...["run", "--no-prompt", ...(all ? ["-A"] : PERMISSIONS.worker)],
        ...["--config", `${ROOT}/deno.json`, program],
        ...[String(port), JSON.stringify({ workers: 2, ...options })],
      ],
    });
    if (!waits) return process;
    try {
      await process.line(READY);
    } catch (error) {
      await process[Symbol.asyncDispose]();
      throw error;
    }
    return process;
  }

  /** All children that were ever started, the first one first. */
  get started(): StartedChild[] {
    const lines = this.stderr.matchAll(/ worker (\d+) \(pid (\d+)\) started/g);
    return [...lines].map(([, index, pid]) => ({
      index: Number(index),
      pid: Number(pid),
    }));
  }

  /** The processes of the children that run. */
  get children(): number[] {
    return this.started.map(({ pid }) => pid).filter(isRunning);
  }

  /** Waits until the log has so many lines that match, and gives them. */
  async logged(pattern: RegExp, count = 1): Promise<string[]> {
    const find = () =>
      this.stderr.split("\n").filter((line) => pattern.test(line));
    await eventually(() => find().length >= count, {
      timeout: 30_000,
      what: `${count} log lines that match ${pattern}`,
    }).catch((error) => {
      throw new Error(`${error.message}; the log:\n${this.stderr}`);
    });
    return find();
  }

  /** Waits until none of the children that were ever started runs. */
  async childrenGone(): Promise<void> {
    await eventually(() => this.children.length === 0, {
      what: `the end of the children of ${this.pid}`,
    });
  }
}

/** Whether a process runs; one that has ended and waits to be noticed does not. */
export function isRunning(pid: number): boolean {
  const { code, stdout } = new Deno.Command("ps", {
    args: ["-o", "stat=", "-p", String(pid)],
    stderr: "null",
  }).outputSync();
  return code === 0 && !new TextDecoder().decode(stdout).startsWith("Z");
}

/** A column of `ps` for a process. */
export function psColumn(pid: number, column: string): string {
  const { stdout } = new Deno.Command("ps", {
    args: ["-ww", "-o", `${column}=`, "-p", String(pid)],
  }).outputSync();
  return new TextDecoder().decode(stdout).trim();
}
