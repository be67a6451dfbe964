// HavenProcess: a haven server as a process, and who answers there.

import { Box, type BoxFields, TcpClient } from "@maple/box";
import type { HavenRunOptions } from "@maple/haven";
import { eventually } from "../helpers/eventually.ts";
import { pathOf } from "../helpers/paths.ts";
import { PERMISSIONS } from "../helpers/permissions.ts";
import { type ProcessOptions, RunningProcess } from "../helpers/process.ts";
import { TEST_IO } from "../helpers/test_io.ts";
import { PATIENCE_MS } from "../helpers/within.ts";

/** The program of most of these tests. */
export const HAVEN_SERVER: string = pathOf(
  "../system/programs/haven_server.ts",
);

const READY =
  /^maple haven ready 127\.0\.0\.1:(\d+)(?: websocket=127\.0\.0\.1:(\d+))?$/;

/** Who has answered. */
export interface Answerer {
  /** Its process. */
  pid: number;
  /** Its process or thread. */
  id: string;
  /** Its `app.workerIndex`. */
  workerIndex: number;
  /** Its `app.isFirst`. */
  isFirst: boolean;
}

/** A haven server as a process; killed at the end of the test. */
export class HavenProcess extends RunningProcess {
  #port = 0;
  #websocketPort = 0;

  /** Starts a server and waits until it is ready. */
  static async start(
    kind: "Haven" | "GHaven" | "THaven",
    options: HavenRunOptions = {},
    flags: readonly string[] = [],
  ): Promise<HavenProcess> {
    return await HavenProcess.run([
      ...flags,
      HAVEN_SERVER,
      kind,
      JSON.stringify({
        port: 0,
        // Threads have Deno's only.
        ...(TEST_IO && kind !== "THaven" && { io: TEST_IO }),
        ...options,
      }),
    ], {
      permissions: [
        ...PERMISSIONS[kind === "Haven" ? "haven" : "ghaven"],
        ...(TEST_IO === "epoll" || options.io === "epoll"
          ? ["--allow-ffi"]
          : []),
      ],
    });
  }

  /** Starts any program that serves. */
  static async run(
    args: readonly string[],
    { permissions = PERMISSIONS.haven, ...options }:
      & Pick<ProcessOptions, "cwd">
      & { readonly permissions?: readonly string[] } = {},
  ): Promise<HavenProcess> {
    const process = new HavenProcess(Deno.execPath(), {
      args: ["run", "--no-prompt", ...permissions, ...args],
      ...options,
    });
    try {
      const [, port, websocketPort] = await process.line(READY);
      process.#port = Number(port);
      process.#websocketPort = Number(websocketPort);
    } catch (error) {
      await process[Symbol.asyncDispose]();
      throw error;
    }
    return process;
  }

  /** Where it listens. */
  get port(): number {
    return this.#port;
  }

  /** Where WebSockets connect. */
  get websocketPort(): number {
    return this.#websocketPort;
  }

  /** Connects a client. */
  async connect(): Promise<TcpClient<BoxFields>> {
    const client = new TcpClient(Box, "127.0.0.1", this.#port, {
      timeout: PATIENCE_MS / 1000,
    });
    await client.connect();
    return client;
  }

  /** Asks on a new connection who answers; undefined when the connection is lost. */
  async ask(): Promise<Answerer | undefined> {
    try {
      await using client = await this.connect();
      await client.write({ cmd: 1 });
      return (await client.read())?.json<Answerer>();
    } catch {
      return undefined;
    }
  }

  /**
   * Asks on new connections until `count` different ones, that are not in `known`, have answered.
   */
  async answerers(
    count: number,
    known: readonly Answerer[] = [],
  ): Promise<Answerer[]> {
    const found = new Map<string, Answerer>();
    await eventually(async () => {
      const answer = await this.ask();
      if (answer && !known.some(({ id }) => id === answer.id)) {
        found.set(answer.id, answer);
      }
      return found.size >= count;
    }, { timeout: 30_000, what: `${count} different answers` }).catch(
      (error) => {
        throw new Error(`${error.message}; the log:\n${this.stderr}`);
      },
    );
    return [...found.values()];
  }

  /** Waits for a log line. */
  async logged(pattern: RegExp): Promise<void> {
    await eventually(() => pattern.test(this.stderr), {
      timeout: 30_000,
      what: `a log line that matches ${pattern}`,
    }).catch((error) => {
      throw new Error(`${error.message}; the log:\n${this.stderr}`);
    });
  }
}
