// Generator: what puts load on the servers: epoll_load.c where there is a C compiler, else load.ts.

import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { LoadSummary } from "../load/load_result.ts";
import { Cmd } from "./commands.ts";
import { denoCommand, Program } from "./program.ts";

const WARM_UP = { connections: 50, cmd: Cmd.ECHO, duration: 1 };

/**
 * Flags of the load tool, by their long names; `websocket` is for one whose address is `ws://`,
 * `tls` for `tls://`; `nats` for `nats://`, with the subject, `colyseus` with the room, `pinus`
 * with the route.
 */
export type LoadFlags = Readonly<Record<string, string | number | true>>;

/** What a load has measured. */
export interface LoadOutcome extends LoadSummary {
  /** The share of a processor that the load tool took: the C program tells. */
  readonly cpu?: number;
}

/** A load whose connections are open. */
export interface ReadyLoad extends AsyncDisposable {
  /** Starts it and waits for its end. */
  run(): Promise<LoadOutcome>;
}

/** The C programs of the benchmarks, compiled. */
export interface NativePrograms {
  /** The echo server. */
  readonly echo: string;
  /** The load tool. */
  readonly load: string;
}

/** Compiles the C programs into a folder; undefined where there is no C compiler. */
export async function compileNative(
  folder: string,
): Promise<NativePrograms | undefined> {
  const compile = async (name: string) => {
    const output = join(folder, name);
    const source = fileURLToPath(new URL(`../${name}.c`, import.meta.url));
    const { success, stderr } = await new Deno.Command("cc", {
      args: ["-O2", "-o", output, source],
    }).output();
    if (!success) {
      throw new Error(
        `Cannot compile ${name}.c: ${new TextDecoder().decode(stderr)}`,
      );
    }
    return output;
  };
  try {
    return {
      echo: await compile("epoll_echo"),
      load: await compile("epoll_load"),
    };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** Puts load on servers. */
export class Generator {
  readonly #command: readonly string[];

  /** @param native The C programs; without them it is the load tool on Deno. */
  constructor(native: NativePrograms | undefined) {
    this.#command = native ? [native.load] : denoCommand("load.ts");
  }

  /** Opens the connections of a load to a port of this machine. */
  async ready(port: number, flags: LoadFlags): Promise<ReadyLoad> {
    const { websocket, tls, nats, colyseus, pinus, ...others } = flags;
    const address = `127.0.0.1:${port}`;
    const url = websocket === true
      ? `ws://${address}/`
      : tls === true
      ? `tls://${address}`
      : nats !== undefined
      ? `nats://${address}/${nats}`
      : colyseus !== undefined
      ? `colyseus://${address}/${colyseus}`
      : pinus !== undefined
      ? `pinus://${address}/${pinus}`
      : address;
    const program = await Program.start([
      ...this.#command,
      ...["--url", url, "--json", "--wait"],
      ...Object.entries(others).map(([name, value]) =>
        value === true ? `--${name}` : `--${name}=${value}`
      ),
    ]);
    return {
      async run() {
        await program.write("start");
        const text = await program.output();
        if (text === "") throw new Error("The load tool has failed");
        return JSON.parse(text) as LoadOutcome;
      },
      [Symbol.asyncDispose]: () => program[Symbol.asyncDispose](),
    };
  }

  /**
   * Loads a server until the way of a request is compiled and its heap has its size: before that it
   * is not what it is afterwards.
   */
  async warmUp(port: number, flags: LoadFlags = {}): Promise<void> {
    await this.run(port, { ...WARM_UP, ...flags });
  }

  /** Runs a load. */
  async run(port: number, flags: LoadFlags): Promise<LoadOutcome> {
    await using load = await this.ready(port, flags);
    return await load.run();
  }
}
