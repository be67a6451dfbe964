// HupProcess: a haven server whose code on disk is changed while it runs.

import type { BoxFields, TcpClient } from "@maple/box";
import { eventually } from "../helpers/eventually.ts";
import { pathOf } from "../helpers/paths.ts";
import { HavenProcess } from "./haven_process.ts";
import type { GHupVersion } from "./programs/hup_ghaven.ts";
import type { HupVersion } from "./programs/hup_haven.ts";

const PROGRAM = pathOf("../system/programs/hup_haven.ts");
const PROCESSES = pathOf("../system/programs/hup_ghaven.ts");
const CONFIG = pathOf("../../deno.json");

/** The counters that cmd 10 tells. */
export interface HupCounters {
  accepted: number;
  connections: number;
  users: number;
  groups: number;
  generation: number;
  created: number;
  closed: number;
  ticks: number;
  early: number;
  pid: number;
}

/** A haven server whose code on disk is changed while it runs. */
export class HupProcess implements AsyncDisposable {
  private constructor(
    readonly server: HavenProcess,
    readonly dir: string,
    readonly options: HupVersion["options"],
  ) {}

  /** Starts one whose code is version "1". */
  static async start(
    options: HupVersion["options"] = {},
    more: Partial<HupVersion> = {},
    permissions: readonly string[] = ["-A"],
  ): Promise<HupProcess> {
    const dir = await Deno.makeTempDir({ prefix: "maple_hup_" });
    write(dir, { version: "1", options, ...more });
    const server = await HavenProcess.run([
      ...["--quiet", "--config", CONFIG],
      `${dir}/server.ts`,
    ], { permissions });
    return new HupProcess(server, dir, options);
  }

  /** Starts one in several processes. */
  static async startProcesses(
    options: GHupVersion["options"],
    more: Partial<GHupVersion> = {},
    permissions: readonly string[] = ["-A"],
  ): Promise<HupProcess> {
    const dir = await Deno.makeTempDir({ prefix: "maple_hup_" });
    writeProcesses(dir, { version: "1", options: options!, ...more });
    const server = await HavenProcess.run([
      ...["--quiet", "--config", CONFIG],
      `${dir}/server.ts`,
    ], { permissions });
    return new HupProcess(server, dir, options);
  }

  /** Changes the code of one in several processes. */
  changeProcesses(version: string, more: Partial<GHupVersion> = {}): void {
    const options = { ...this.options, ...more.options };
    writeProcesses(this.dir, { version, ...more, options });
  }

  /** Changes its code. */
  change(version: string, more: Partial<HupVersion> = {}): void {
    const options = { ...this.options, ...more.options };
    write(this.dir, { version, ...more, options });
  }

  /** Changes it to anything. */
  changeTo(source: string): void {
    Deno.writeTextFileSync(`${this.dir}/server.ts`, source);
  }

  /** Changes its code, and waits until that serves. */
  async reload(
    version: string,
    more: Partial<HupVersion> = {},
  ): Promise<void> {
    this.change(version, more);
    await this.hup(/reloaded: the new processes are ready/g);
  }

  /** Sends HUP, and waits for one more line that matches. */
  async hup(pattern: RegExp): Promise<void> {
    const count = () => [...this.server.stderr.matchAll(pattern)].length;
    const before = count();
    this.server.kill("SIGHUP");
    await eventually(() => count() > before, {
      timeout: 60_000,
      what: `a line ${pattern}`,
    }).catch((error) => {
      throw new Error(`${error.message}; the log:\n${this.server.stderr}`);
    });
  }

  /** The processes that serve, or leave. */
  get children(): number[] {
    const { pid } = this.server;
    return Deno.readTextFileSync(`/proc/${pid}/task/${pid}/children`)
      .trim().split(" ").filter((one) => one !== "").map(Number);
  }

  /** How many descriptors a process has. */
  descriptors(pid: number): number {
    return [...Deno.readDirSync(`/proc/${pid}/fd`)].length;
  }

  /** Ends it. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.server[Symbol.asyncDispose]();
    await Deno.remove(this.dir, { recursive: true });
  }
}

/** Asks, and gives the text of the answer. */
export async function ask(
  client: TcpClient<BoxFields>,
  cmd: number,
): Promise<string> {
  await client.write({ cmd });
  const box = await client.read();
  if (!box) throw new Error("the client was disconnected");
  return box.text();
}

/** The counters of the process that serves. */
export async function countersOf(
  client: TcpClient<BoxFields>,
): Promise<HupCounters> {
  return JSON.parse(await ask(client, 10));
}

function write(dir: string, version: HupVersion): void {
  writeProgram(dir, "runHupHaven", PROGRAM, version);
}

function writeProcesses(dir: string, version: GHupVersion): void {
  writeProgram(dir, "runHupGHaven", PROCESSES, version);
}

function writeProgram(
  dir: string,
  ...[run, program, version]: [string, string, object]
): void {
  Deno.writeTextFileSync(
    `${dir}/server.ts`,
    `import { ${run} } from ${JSON.stringify(`file://${program}`)};
await ${run}(${JSON.stringify(version)});
`,
  );
}
