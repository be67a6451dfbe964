// GatewayHost: the gateway under test, as a process that tells its counters.

import type { GatewayOptions, GatewayStats } from "@maple/gateway";
import { eventually } from "../../helpers/eventually.ts";
import { pathOf } from "../../helpers/paths.ts";
import { type RunningProcess, startProcess } from "../../helpers/process.ts";
import type { Address } from "../../helpers/raw_peer.ts";

const LISTENS = "0A";

/** The gateway under test. */
export class GatewayHost implements AsyncDisposable {
  /** Its process. */
  readonly process: RunningProcess;
  /** Where clients connect. */
  readonly outer: Address;
  /** Where workers and triggers connect. */
  readonly inner: Address;

  private constructor(process: RunningProcess) {
    const [, outer, inner] = process.ready!;
    this.process = process;
    this.outer = { hostname: "127.0.0.1", port: Number(outer) };
    this.inner = { hostname: "127.0.0.1", port: Number(inner) };
  }

  /** Starts it and waits until it is ready. */
  static async start(options: GatewayOptions): Promise<GatewayHost> {
    return new GatewayHost(
      await startProcess(Deno.execPath(), {
        args: [
          ...["run", "--quiet", "-A"],
          ...["--config", pathOf("../../deno.json")],
          pathOf("../system/programs/chaos_gateway.ts"),
          JSON.stringify(options),
        ],
        ready: /^gateway ready outer=\S+:(\d+) inner=\S+:(\d+)$/,
      }),
    );
  }

  /**
   * Its counters.
   *
   * @throws {Error} with its log when it tells none.
   */
  stats(): Promise<GatewayStats> {
    return this.#tell("");
  }

  /** Has it read its secrets anew; resolves when it has. */
  async renewSecrets(): Promise<void> {
    await this.#tell("renew");
  }

  async #tell(line: string): Promise<GatewayStats> {
    try {
      await this.process.write(line);
      const [, json] = await this.process.line(/^stats (.*)$/);
      return JSON.parse(json!);
    } catch (cause) {
      throw new Error(
        `The gateway tells no counters; its log: ${this.process.stderr}`,
        { cause },
      );
    }
  }

  /** Waits for up to 30 s until its counters are as they should be, and tells whether they are. */
  async reaches(wanted: Partial<GatewayStats>): Promise<boolean> {
    return await eventually(async () => {
      const stats = await this.stats();
      return Object.entries(wanted).every(([name, value]) =>
        stats[name as keyof GatewayStats] === value
      );
    }, { timeout: 30_000 }).then(() => true, () => false);
  }

  /**
   * How many connections at its two ports it has open; undefined where the system does not tell.
   */
  openConnections(): number | undefined {
    let table: string;
    try {
      table = Deno.readTextFileSync("/proc/net/tcp");
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return undefined;
      throw error;
    }
    const ports = [this.outer.port, this.inner.port];
    return table.trim().split("\n").slice(1).filter((line) => {
      const columns = line.trim().split(/\s+/);
      const [, local, , state] = columns;
      // A connection that no process has any more has no inode.
      return ports.includes(parseInt(local!.split(":")[1]!, 16)) &&
        state !== LISTENS && columns[9] !== "0";
    }).length;
  }

  /** Kills it if it still runs. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.process[Symbol.asyncDispose]();
  }
}
