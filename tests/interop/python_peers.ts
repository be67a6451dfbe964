// The Python peers of the interop tests: a worker, a client and a trigger of another make, as
// processes.

import { assertEquals } from "@std/assert";
import type { GatewayProcess } from "../helpers/gateway_process.ts";
import { pathOf } from "../helpers/paths.ts";
import {
  type RunningProcess,
  runProcess,
  startProcess,
} from "../helpers/process.ts";

const PYTHON = "python3";

async function whyNoPython(): Promise<string | undefined> {
  try {
    const { success } = await new Deno.Command(PYTHON, {
      args: ["--version"],
      stdout: "null",
      stderr: "null",
    }).output();
    return success ? undefined : `${PYTHON} --version fails`;
  } catch (error) {
    return `${PYTHON} cannot be run: ${(error as Error).message}`;
  }
}

const noPython = await whyNoPython();
if (noPython) console.log(`tests/interop is skipped: ${noPython}`);

/** Registers a test that needs Python; without it, it is skipped. */
export function test(name: string, fn: () => Promise<void>): void {
  Deno.test({ name: `interop: ${name}`, ignore: !!noPython, fn });
}

function script(name: string): string {
  return pathOf(`../interop/${name}.py`);
}

/** What a peer tells or is told, as JSON. */
export type Fields = Record<string, unknown>;

/** A worker that asks once after connecting and once after each task. */
export class PythonWorker implements AsyncDisposable {
  constructor(readonly process: RunningProcess) {}

  static async start(
    gateway: GatewayProcess,
    ...flags: string[]
  ): Promise<PythonWorker> {
    return new PythonWorker(
      await startProcess(PYTHON, {
        args: [script("worker"), "--port", `${gateway.innerPort}`, ...flags],
        ready: /^worker ready$/,
      }),
    );
  }

  // The next event of this kind.
  async event(kind: string): Promise<Fields> {
    const match = await this.process.line(
      new RegExp(`^\\{"event": "${kind}",.*$`),
    );
    return JSON.parse(match[0]);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.process[Symbol.asyncDispose]();
  }
}

/** A client that is driven line by line. */
export class PythonClient implements AsyncDisposable {
  readonly #process: RunningProcess;

  constructor(process: RunningProcess) {
    this.#process = process;
  }

  static async start(
    { outer }: GatewayProcess,
    host = outer.hostname,
  ): Promise<PythonClient> {
    return new PythonClient(
      await startProcess(PYTHON, {
        args: [script("client"), "--host", host, "--port", `${outer.port}`],
      }),
    );
  }

  async do(op: Fields): Promise<Fields> {
    await this.#process.write(JSON.stringify(op));
    const [line] = await this.#process.line(/^\{.*$/);
    const result = JSON.parse(line!);
    if ("error" in result) throw new Error(`client: ${result.error}`);
    return result;
  }

  // The body may be an object, for the worker's commands that take arguments.
  send(cmd: number, body: string | Fields = "", more: Fields = {}) {
    return this.do({
      op: "send",
      cmd,
      body: typeof body === "string" ? body : JSON.stringify(body),
      ...more,
    });
  }

  read(): Promise<Fields> {
    return this.do({ op: "recv", timeout: 10 });
  }

  async call(
    cmd: number,
    body: string | Fields = "",
    more: Fields = {},
  ): Promise<Fields> {
    await this.send(cmd, body, more);
    return await this.read();
  }

  // What its next request's task looks like to the worker, and the JSON that this came in.
  async header(): Promise<[Fields, string]> {
    const text = String((await this.call(CMD.HEADER)).body);
    return [JSON.parse(text), text];
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#process[Symbol.asyncDispose]();
  }
}

/** Runs a trigger to its end, which must be a good one. */
export async function trigger(
  gateway: GatewayProcess,
  ...args: string[]
): Promise<void> {
  const { code, stderr } = await runProcess(PYTHON, {
    args: [script("trigger"), "--port", `${gateway.innerPort}`, ...args],
  });
  assertEquals([code, stderr], [0, ""]);
}

/** Holds what the peers put on the wire against bytes written by hand. */
export async function selfTest(): Promise<void> {
  const { code, stderr } = await runProcess(PYTHON, {
    args: [script("selftest")],
  });
  assertEquals(code, 0, stderr);
}

/** The commands of worker.py. */
export const CMD = {
  ECHO: 1,
  LOGIN: 2,
  LOGOUT: 3,
  TO_USERS: 4,
  CLOSE: 5,
  CLOSE_USERS: 6,
  TO_WORKER: 7,
  CLEAR: 8,
  SLEEP: 9,
  HEADER: 10,
  UNKNOWN: 99,
} as const;

/** What a client reads whose connection was closed in order. */
export const CLOSED = { closed: true, reset: false, unread: 0 };
