// WorkerGroup: a worker's master as a process, and what its log tells of its children.

import type { RunOptions } from "@maple/worker";
import { pathOf } from "../../helpers/paths.ts";
import { RunningProcess } from "../../helpers/process.ts";

/** How a group is started. */
export interface WorkerGroupOptions extends RunOptions {
  /** Where the gateway is. */
  readonly port: number;
  /** The folder for the handlers' notes. */
  readonly notesDir: string;
}

/** A worker's master as a process, with its children. */
export class WorkerGroup implements AsyncDisposable {
  /** The master. */
  readonly process: RunningProcess;
  /** All processes that there ever were. */
  readonly everStarted: number[] = [];
  readonly #alive = new Set<number>();
  #reloads = 0;
  #read = 0;

  private constructor(process: RunningProcess) {
    this.process = process;
    this.everStarted.push(process.pid);
  }

  /** Starts that of the chaos test and waits until its children are ready. */
  static start(options: WorkerGroupOptions): Promise<WorkerGroup> {
    const { port, notesDir, ...runOptions } = options;
    const args = [String(port), notesDir, JSON.stringify(runOptions)];
    return WorkerGroup.run(pathOf("../system/programs/chaos_worker.ts"), args);
  }

  /** Starts any program with a worker and waits until its children are ready. */
  static async run(
    program: string,
    args: readonly string[],
  ): Promise<WorkerGroup> {
    const process = new RunningProcess(Deno.execPath(), {
      args: [
        ...["run", "--quiet", "-A", "--config", pathOf("../../deno.json")],
        ...[program, ...args],
      ],
    });
    const group = new WorkerGroup(process);
    try {
      await process.line(/^maple worker ready /, 60_000);
    } catch (error) {
      await group[Symbol.asyncDispose]();
      throw error;
    }
    return group;
  }

  /** The children that run, as far as the master has told. */
  get children(): number[] {
    this.#readLog();
    return [...this.#alive];
  }

  /** How many reloads are over, whether they came to something or not. */
  get reloads(): number {
    this.#readLog();
    return this.#reloads;
  }

  /** Sends a signal to the master. */
  signal(signal: Deno.Signal): void {
    this.process.kill(signal);
  }

  /** Kills what is left of it. */
  async [Symbol.asyncDispose](): Promise<void> {
    const { children } = this;
    await this.process[Symbol.asyncDispose]();
    for (const pid of children) signalProcess(pid, "SIGKILL");
  }

  #readLog(): void {
    const log = this.process.stderr;
    const end = log.lastIndexOf("\n") + 1;
    if (end <= this.#read) return;
    const lines = log.slice(this.#read, end).split("\n");
    this.#read = end;
    for (const line of lines) {
      if (/ (reloaded: |reload failed, |no reload: )/.test(line)) {
        this.#reloads++;
      }
      const [, pid, what] = / worker \d+ \(pid (\d+)\) (started|ended)/
        .exec(line) ?? [];
      if (what === "started") {
        this.#alive.add(Number(pid));
        this.everStarted.push(Number(pid));
      } else if (what === "ended") this.#alive.delete(Number(pid));
    }
  }
}

/** Sends a signal to a process that may have ended. */
export function signalProcess(pid: number, signal: Deno.Signal): void {
  try {
    Deno.kill(pid, signal);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

/** Has all groups leave; tells what is not as it must be: a code, or a process that is left. */
export async function leaveInOrder(
  groups: readonly WorkerGroup[],
  patienceMs: number,
): Promise<string[]> {
  const faults: string[] = [];
  for (const group of groups) group.signal("SIGTERM");
  for (const { process } of groups) {
    const { code } = await process.finished(patienceMs);
    if (code !== 0) faults.push(`master ${process.pid} left with code ${code}`);
  }
  const pids = groups.flatMap((group) => {
    // Read once more, now that the logs are whole.
    void group.children;
    return group.everStarted;
  });
  const left = await stillRunning(pids);
  if (left.length > 0) faults.push(`processes are left: ${left.join(", ")}`);
  return faults;
}

/** Those of some processes that still run the chaos test's worker. */
async function stillRunning(pids: readonly number[]): Promise<number[]> {
  const { stdout } = await new Deno.Command("ps", {
    args: ["-ww", "-o", "pid=,stat=,args=", "-p", pids.join(",")],
    stderr: "null",
  }).output();
  const lines = new TextDecoder().decode(stdout).split("\n");
  return lines.map((line) => /^\s*(\d+)\s+[^Z]\S*\s.*chaos_worker/.exec(line))
    .filter((match) => match !== null)
    .map((match) => Number(match[1]));
}
