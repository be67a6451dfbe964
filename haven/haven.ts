// Haven: a server for TCP and WebSocket clients in one process.

import type { BoxClass, BoxFields } from "@maple/box";
import {
  type IoKind,
  openIo,
  type ServerIo,
  unhandledErrors,
  whenFree,
} from "@maple/box/internal";
import { App } from "./app.ts";
import { AppCore, type AppOptions } from "./app_core.ts";
import { AppLife } from "./app_life.ts";
import type { Connection } from "./connection.ts";
import { HavenError } from "./errors.ts";
import type { Flavour } from "./flavour.ts";
import type { HavenRequest } from "./haven_request.ts";
import type { HookList } from "./hooks.ts";
import {
  IN_MEMORY,
  type MemoryConnection,
  type MemoryEnd,
} from "./in_memory.ts";
import { fitConns } from "./fit_conns.ts";
import { Handover, NO_HANDOVER } from "./handover/handover.ts";
import type { HandoverPlace } from "./handover/place.ts";
import type { Kept } from "./kept.ts";
import type { ListenerPiece } from "./listeners.ts";
import type { HavenListenOptions, HavenRunOptions } from "./options.ts";
import {
  denyOf,
  type ResolvedListen,
  resolveRun,
  runOptions,
} from "./resolve_options.ts";
import { runInThisProcess } from "./run_in_process.ts";
import { nobody } from "./served_users.ts";
import { Server } from "./server.ts";
import { type ServerApp, serverApp } from "./server_app.ts";
import type { UntypedState } from "./state.ts";
import { type HavenStats, limitStats, newCounters } from "./stats.ts";
import { newGroupCounters } from "./groups.ts";
import { newUserCounters } from "./user_commands.ts";

/** Settings of a {@linkcode Haven}. */
export type HavenOptions = AppOptions;

/**
 * A server for TCP and WebSocket clients: one event loop in this process. `GHaven` serves in
 * several processes, `THaven` in several threads.
 *
 * The requests of one connection are handled in order, one at a time; connections are independent
 * of each other.
 *
 * @typeParam F The fields of the boxes' header.
 * @typeParam S What `request.state` holds.
 * @typeParam C What `conn.state` holds.
 *
 * @example A server
 * ```ts ignore
 * import { Box } from "@maple/box";
 * import { Haven } from "@maple/haven";
 *
 * const app = new Haven(Box);
 * app.route(1, (request) => ({ body: request.box.body }));
 * app.createConn((conn) => console.log(conn.address, "is here"));
 * app.closeConn((conn) => console.log(conn.address, "is gone"));
 * await app.run("127.0.0.1", 7777);
 * ```
 *
 * @example A server inside a program of your own, or a test
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { Box, TcpClient } from "@maple/box";
 * import { Haven } from "@maple/haven";
 *
 * await using app = new Haven(Box);
 * app.route(1, () => ({ body: "hello" }));
 * await app.listen({ port: 0 });
 *
 * await using client = new TcpClient(Box, "127.0.0.1", app.addr!.port);
 * await client.connect();
 * assertEquals((await client.request({ cmd: 1 })).text(), "hello");
 * ```
 */
export class Haven<
  F extends object = BoxFields,
  S extends object = UntypedState,
  C extends object = UntypedState,
> extends App<HavenRequest<F, S, C>> implements AsyncDisposable {
  /** The class of the clients' boxes. */
  readonly boxClass: BoxClass<F>;
  readonly #core: AppCore<HavenRequest<F, S, C>>;
  readonly #life: AppLife<HavenRequest<F, S, C>>;
  readonly #createConn: HookList<[conn: Connection<F, C>]>;
  readonly #closeConn: HookList<[conn: Connection<F, C>]>;
  readonly #handOver: HookList<[kept: Kept]>;
  readonly #takeOver: HookList<[kept: Kept]>;
  readonly #serverApp: ServerApp<F, C>;
  readonly #flavour: Flavour;
  #server: Server<F, C> | undefined;
  #handover: Handover<F, C> | undefined;
  #inMemory: Promise<void> | undefined;

  /**
   * Makes a server, which does nothing until it runs or listens.
   *
   * @param boxClass The class of the clients' boxes.
   * @param options See {@linkcode HavenOptions}.
   */
  constructor(boxClass: BoxClass<F>, options?: HavenOptions);
  /**
   * One that is run in another way, as `GHaven` and `THaven` are.
   *
   * @ignore
   */
  constructor(
    boxClass: BoxClass<F>,
    options: HavenOptions,
    flavour: Flavour,
  );
  constructor(
    boxClass: BoxClass<F>,
    options: HavenOptions = {},
    flavour: Flavour = runInThisProcess,
  ) {
    const core = new AppCore<HavenRequest<F, S, C>>("haven", options);
    super(core);
    this.#core = core;
    core.pipeline.users = nobody(() =>
      new HavenError(
        "state",
        "Cannot reach users: this process or thread does not serve",
      )
    );
    this.#flavour = flavour;
    this.boxClass = boxClass;
    this.#life = new AppLife(core, {
      app: this,
      kind: "server",
      verb: "listen",
      fail: (message, options) => new HavenError("state", message, options),
      leave: async () => {
        this.#handover?.close();
        await this.#server?.close();
      },
    });
    this.#createConn = core.hookList("createConn");
    this.#closeConn = core.hookList("closeConn", "blueprintsFirst");
    this.#handOver = core.hookList("handOver");
    this.#takeOver = core.hookList("takeOver");
    this.#serverApp = serverApp(boxClass, core, {
      createConn: this.#createConn,
      closeConn: this.#closeConn,
    });
  }

  /**
   * Calls `fn` when a client has connected, before the createClient hooks. Its requests wait until
   * then.
   */
  createConn(fn: (conn: Connection<F, C>) => unknown): this {
    this.#core.addHook(this.#createConn, fn);
    return this;
  }

  /**
   * Calls `fn` when a client is gone and its last request is finished, after the closeClient hooks.
   */
  closeConn(fn: (conn: Connection<F, C>) => unknown): this {
    this.#core.addHook(this.#closeConn, fn);
    return this;
  }

  /**
   * Calls `fn` when HUP has started a process from the code on disk, and this one is about to hand
   * its clients over: when no request, hook or timer runs any more. What `fn` puts into `kept` goes
   * along, by the rules of structuredClone: what the app has in variables, the tables of a game for
   * instance. What cannot be cloned, as a function, is left out, and an object of a class comes as
   * its fields; one warning names both. It is called again where clients come or go while it runs,
   * and they may stay here all the same, so it must change nothing.
   *
   * This happens with `io: "epoll"` on Linux, in a `Haven`, and in each process of a `GHaven` for
   * the clients of that process. Otherwise `fn` is never called.
   *
   * @param fn May be async; all clients wait for it. One that has not ended within
   * `handoverTimeout` has this process go on. One that throws is logged, and what it has put into
   * `kept` by then goes along.
   *
   * @example The scores of a game
   * ```ts
   * import { Box } from "@maple/box";
   * import { Haven } from "@maple/haven";
   *
   * const app = new Haven(Box);
   * let scores = new Map<number, number>();
   * app.handOver((kept) => void (kept.scores = scores));
   * app.takeOver((kept) => void (scores = kept.scores as typeof scores));
   * ```
   */
  handOver(fn: (kept: Kept) => unknown): this {
    this.#core.addHook(this.#handOver, fn);
    return this;
  }

  /**
   * Calls `fn` when this process has taken the clients over from the one before it, before the
   * first request: with what that one's `handOver` hooks have put into `kept`, and all clients in
   * `connections`. For these no createConn and createClient hooks are called: none of them has come
   * or gone. It is not called in a process that begins without clients of another one.
   *
   * @param fn What it gets was made by the code from before: a name that this did not know is
   * `undefined`. It may be async; all clients wait for it. One that has not ended within
   * `handoverTimeout`, or throws, is logged, and all begins all the same: nobody else has the
   * clients any more. For an example see {@linkcode Haven.handOver}.
   */
  takeOver(fn: (kept: Kept) => unknown): this {
    this.#core.addHook(this.#takeOver, fn);
    return this;
  }

  /**
   * Where TCP clients connect, with the real port; `undefined` unless this process or thread
   * listens.
   */
  get addr(): Deno.NetAddr | undefined {
    return this.#server?.addr;
  }

  /**
   * Where WebSocket clients connect, with the real port; `undefined` unless this process or thread
   * listens for them.
   */
  get websocketAddr(): Deno.NetAddr | undefined {
    return this.#server?.websocketAddr;
  }

  /** The clients that are connected to this process or thread now. */
  get connections(): Connection<F, C>[] {
    return Array.from(this.#server?.all() ?? [], (session) => session.conn)
      .filter((conn) => !conn.closed);
  }

  /**
   * Lets clients of these addresses and ranges connect no more, in place of those of the option
   * `deny` and of a call before, and closes those who are connected; of this process or thread.
   *
   * @param deny As in the option.
   * @returns false when this process or thread does not serve.
   * @throws {HavenError} `option` when one is no address or range.
   */
  setDeny(deny: string | readonly string[]): boolean {
    const ranges = denyOf(deny);
    this.#server?.setDeny(ranges);
    return this.#server !== undefined;
  }

  /** The counters of this process or thread as they are now. */
  stats(): HavenStats {
    const handover = this.#handover?.stats ?? NO_HANDOVER;
    const stats = this.#server?.stats() ?? {
      ...newCounters(),
      ...{ connections: 0, users: 0, bufferBytes: 0 },
      ...newUserCounters(),
      ...{ groups: 0, groupMembers: 0 },
      ...newGroupCounters(),
      ...limitStats(),
      unhandled: unhandledErrors(),
    };
    return { ...stats, ...handover };
  }

  /**
   * Runs the server until it is stopped, and prints a line that begins with `maple haven ready`
   * when clients can connect.
   *
   * Signals: TERM and INT close it in order, a second one ends it at once; HUP opens the log again,
   * and with `io: "epoll"` starts a process from the code on disk, which takes all clients over;
   * USR1 and USR2 log one level more and one less.
   *
   * @returns When the server was stopped.
   * @throws {HavenError} `option` when an option does not fit; `listen` when an address cannot be
   * listened on; `state` when the server was started before, or its processes cannot be started.
   */
  run(host?: string, port?: number, options?: HavenRunOptions): Promise<void>;
  /** Runs the server with everything but the host in one object. */
  run(host: string, options: HavenRunOptions): Promise<void>;
  /** Runs the server with everything in one object. */
  run(options: HavenRunOptions): Promise<void>;
  async run(
    first: string | HavenRunOptions = {},
    second?: number | HavenRunOptions,
    third: HavenRunOptions = {},
  ): Promise<void> {
    const options = resolveRun(runOptions(first, second, third));
    const life = this.#life;
    await life.run(this.#flavour(options, {
      role: "haven",
      listen: (resolved, index) => this.#listen(resolved, index),
      close: () => this.close(),
      closed: life.closed,
      ports: () => ({
        port: this.addr!.port,
        websocketPort: this.websocketAddr?.port,
      }),
      closesFirst: (close) => life.leaveFirst(close),
      makeLogger: (role) => this.#core.makeLogger(role, options),
    }));
  }

  /**
   * Serves in this process, until {@linkcode Haven.close}; for tests and programs that do more than
   * this. It prints nothing and handles no signals.
   *
   * @returns When clients can connect.
   * @throws {HavenError} as `run`.
   */
  // deno-lint-ignore require-await -- so that an error rejects
  async listen(options: HavenListenOptions = {}): Promise<void> {
    return this.#listen(resolveRun(options));
  }

  /**
   * Leaves in order: accepts and reads no more, handles the requests that came for up to
   * `stopTimeout` seconds, closes the connections, calls the stopWorker hooks. May be called twice.
   */
  close(): Promise<void> {
    return this.#life.close();
  }

  /** The same as {@linkcode Haven.close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /**
   * Takes a client without a socket; for `testClient`.
   *
   * @ignore
   */
  async [IN_MEMORY](end: MemoryEnd): Promise<MemoryConnection> {
    await (this.#inMemory ??= this.#server
      ? Promise.resolve()
      : this.#serveInMemory());
    const connection = this.#server!.connect(end);
    await connection.idle();
    return connection;
  }

  async #serveInMemory(): Promise<void> {
    this.#life.begin({ signal: undefined });
    const server = new Server(this.#serverApp, resolveRun({}), undefined);
    this.#serveBy(server);
    await this.#life.start(() => server.start());
  }

  async #listen(options: ResolvedListen, workerIndex?: number): Promise<void> {
    const life = this.#life;
    life.begin({ signal: options.signal, workerIndex });
    const handover = this.#handover = options.handover &&
      this.#makeHandover(options.handover, options);
    using stack = new DisposableStack();
    let server: Server<F, C>;
    let io: ServerIo | undefined;
    let taking: Awaited<ReturnType<Handover<F, C>["ask"]>>;
    try {
      io = this.#openIo(options.io);
      if (handover) taking = await handover.ask(options);
      if (taking) stack.use(taking);
      const opened = this.#open(options, io, taking?.offer.listeners);
      server = opened instanceof Promise ? await opened : opened;
    } catch (error) {
      handover?.close();
      await io?.close();
      life.beginAgain();
      throw error;
    }
    this.#serveBy(server);
    if (life.leaving) {
      await server.close();
      throw new HavenError(
        "state",
        "Cannot listen: the server was closed meanwhile",
      );
    }
    const { descriptors } = io;
    await life.start(async () => {
      const begin = taking && descriptors &&
        await handover!.take(server, taking, descriptors);
      server.start();
      if (descriptors) handover?.open(server, descriptors);
      begin?.();
    });
  }

  #makeHandover(
    place: HandoverPlace,
    { handoverTimeoutMs: timeoutMs }: ResolvedListen,
  ): Handover<F, C> {
    return new Handover<F, C>({
      app: this.#serverApp,
      timers: this.#core.timers,
      giveKept: (kept) => this.#handOver.run(kept),
      takeKept: (kept) => this.#takeOver.run(kept),
      place,
      timeoutMs,
    });
  }

  #serveBy(server: Server<F, C>): void {
    this.#server = server;
    this.#core.pipeline.users = server.users;
  }

  #openIo(kind: IoKind): ServerIo {
    try {
      return openIo(kind);
    } catch (cause) {
      throw new HavenError("listen", (cause as Error).message, { cause });
    }
  }

  #open(
    options: ResolvedListen,
    io: ServerIo,
    expected?: readonly ListenerPiece[],
  ): Server<F, C> | Promise<Server<F, C>> {
    const app = this.#serverApp;
    const fitted = fitConns(options, app.logger);
    return whenFree(() => new Server(app, fitted, io, expected), {
      bindTimeout: options.bindTimeout,
      logger: app.logger,
      givenUp: () => this.#life.leaving,
    });
  }
}
