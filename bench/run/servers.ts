// Servers: what the benchmarks put under load, started and warm.

import type { IoKind } from "@maple/box/internal";
import type { BenchContext } from "./context.ts";
import type { LoadFlags, NativePrograms } from "./generator.ts";
import { Haproxy } from "./haproxy.ts";
import { Program } from "./program.ts";
import { System } from "./system.ts";

/** The yardstick where there is a C compiler. */
export const C_ECHO = "C epoll echo";
/** The yardstick where there is none. */
export const DENO_ECHO = "Deno.listen echo";
/** HAProxy in front of the first yardstick. */
export const HAPROXY = "HAProxy";
/** A haven server. */
export const HAVEN = "haven";
/** The same on the system's own sockets. */
export const HAVEN_EPOLL = "haven, io epoll";
/** A gateway as it is, with one worker. */
export const ONE_WORKER = "gateway, 1 worker";
/** The same on the system's own sockets. */
export const ONE_WORKER_EPOLL = "gateway, 1 worker, io epoll";

/** Both, with the option that makes them. */
export const GATEWAYS = [
  [ONE_WORKER, "deno"],
  [ONE_WORKER_EPOLL, "epoll"],
] as const;

/** A server that runs and is warm. */
export interface Server {
  /** What it is called in the table. */
  readonly name: string;
  /** Its port on this machine. */
  readonly port: number;
  /** Further flags of the load tool: what is spoken there. */
  readonly flags?: LoadFlags;
}

/**
 * The servers of a benchmark, in the order in which they were started: the first is the yardstick.
 */
export class Servers implements AsyncDisposable {
  /** Those that run. */
  readonly all: Server[] = [];
  readonly #context: BenchContext;
  readonly #running = new AsyncDisposableStack();

  /** @param context What the benchmark got. */
  constructor(context: BenchContext) {
    this.#context = context;
  }

  /**
   * Takes over a server that runs, and warms it up.
   *
   * @param flags Further flags of the load tool: what is spoken there.
   */
  async add(
    name: string,
    program: Program | (AsyncDisposable & { readonly port: number }),
    flags: LoadFlags = {},
  ): Promise<void> {
    this.#running.use(program);
    const port = program instanceof Program ? program.port() : program.port;
    await this.#context.generator.warmUp(port, flags);
    this.all.push({ name, port, flags });
  }

  /** Starts the C echo where there is a C compiler, and the plain `Deno.listen` echo. */
  async addEchoes(): Promise<void> {
    const { native } = this.#context;
    if (native) await this.addEcho(native);
    await this.add(DENO_ECHO, await Program.deno("load.ts", ["--serve"]));
  }

  /** Starts the C echo. */
  async addEcho({ echo }: NativePrograms): Promise<void> {
    await this.add(C_ECHO, await Program.start([echo]));
  }

  /** Starts HAProxy in front of the yardstick, where it is installed. */
  async addHaproxy(): Promise<void> {
    const { folder, tell } = this.#context;
    const haproxy = await Haproxy.start(this.all[0]!.port, folder);
    if (haproxy) await this.add(HAPROXY, haproxy);
    else tell("HAProxy is not installed, and left out");
  }

  /** Starts a haven server, and a gateway with one worker, each on both kinds of sockets. */
  async addOurs(): Promise<void> {
    const haven = (io: IoKind) => Program.deno("programs/haven_echo.ts", [io]);
    await this.add(HAVEN, await haven("deno"));
    await this.add(HAVEN_EPOLL, await haven("epoll"));
    await this.add(ONE_WORKER, await System.start());
    await this.add(ONE_WORKER_EPOLL, await System.start({ io: "epoll" }));
  }

  /** Ends them. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#running.disposeAsync();
  }
}
