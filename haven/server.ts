// Server: the listeners and connections of a haven server in one process or thread.

import type { BoxClass } from "@maple/box";
import {
  ClientLimits,
  ClientPlaces,
  type ClientRates,
  ClientWatch,
  type CloseCause,
  type Conn,
  type CountedAddress,
  endedWithin,
  Entrance,
  formatAddress,
  type FrameSocketOptions,
  Heartbeats,
  type IpRange,
  isOrdinary,
  LameDuck,
  type LimitedClient,
  MemoryLimit,
  MoveBoxes,
  type OnOpen,
  type Placed,
  Running,
  type ServerIo,
  type ServerTransport,
  type Steps,
  STOP,
  transportFrom,
  transportOf,
  unhandledErrors,
  WebSocketPings,
} from "@maple/box/internal";
import { Connection } from "./connection.ts";
import { HavenError } from "./errors.ts";
import { type ListenerPiece, Listeners } from "./listeners.ts";
import type { MemoryConnection, MemoryEnd } from "./in_memory.ts";
import { MemoryTransport } from "./memory_transport.ts";
import type { ResolvedListen } from "./resolve_options.ts";
import type { ServerApp } from "./server_app.ts";
import type { RetakenSession, ServerParts } from "./server_parts.ts";
import { Session, type SessionOwner } from "./session.ts";
import { limitStats, newCounters, type ServerStats } from "./stats.ts";
import { Users } from "./users.ts";

// Of one that goes on in another process: nobody is told.
const GIVEN: CloseCause = {
  kind: "stop",
  message: "it is another process's",
};
// How often those are looked at that are closed and not gone.
const LOOK_MS = 20;
// How many times outboxBytes may be sent to a client in one go while nothing waits.
const AT_ONCE = 4;

/** The listeners and connections of a haven server in one process or thread. */
export class Server<F extends object, C extends object>
  implements SessionOwner<F, C> {
  /** How many requests of a connection may wait until it is not read from. */
  readonly connQueueMax: number;
  /** How much memory all connections may take. */
  readonly memory: MemoryLimit;
  /** Who is logged in where. */
  readonly users: Users<F>;
  /** How much each client may send. */
  readonly rates: ClientRates<LimitedClient>;
  readonly #limits: ClientLimits<LimitedClient>;
  readonly #options: ResolvedListen;
  readonly #app: ServerApp<F, C>;
  readonly #io: ServerIo | undefined;
  readonly #listeners: Listeners | undefined;
  readonly #watch: ClientWatch;
  readonly #entrance: Entrance;
  readonly #pings: WebSocketPings;
  readonly #heartbeats: Heartbeats | undefined;
  readonly #moves: MoveBoxes | undefined;
  readonly #places: ClientPlaces<Placed>;
  readonly #sessions = new Map<number, Session<F, C>>();
  readonly #counters = newCounters();
  // What has to be over before the server is closed.
  readonly #running: Running;
  readonly #ids = { last: 0 };
  #accepting = false;
  // Whether no request is begun for now.
  #held = false;
  #isGiven = false;

  /**
   * Opens the listeners; connections wait until {@linkcode Server.start}.
   *
   * @param io Where the sockets come from, which belongs to this object once it is made; undefined
   * for a server whose clients have none.
   * @param expected The listeners that come from another process, whose place this one takes.
   * @throws {HavenError} `listen` when an address cannot be listened on.
   */
  constructor(
    app: ServerApp<F, C>,
    options: ResolvedListen,
    io: ServerIo | undefined,
    expected?: readonly ListenerPiece[],
  ) {
    const { websocketPort, timeout } = options;
    this.#app = app;
    this.#running = new Running(app);
    this.#options = options;
    this.#places = new ClientPlaces(options);
    this.connQueueMax = options.connQueueMax;
    this.users = new Users(app, options, expected !== undefined);
    const { deny } = options;
    this.#limits = new ClientLimits(options, { deny, logger: app.logger });
    this.rates = this.#limits.rates;
    this.memory = new MemoryLimit(options.memoryBytes, () => this.all());
    this.#watch = new ClientWatch(this, {
      idle: timeout,
      idleOption: "timeout",
      firstFrame: options.firstFrameTimeout,
      frame: options.frameTimeout,
      write: options.writeTimeout,
    });
    this.#entrance = new Entrance({
      proxies: options.proxyProtocol,
      path: options.websocketPath,
      origins: options.websocketOrigins,
      addresses: this.#limits.addresses,
      places: this.#places,
      onFull: () => this.#onFull(),
      onRefused: ({ line, step }) => {
        if (step === "proxy") app.logger.warn(line);
        else app.logger.debug(line);
      },
      onRoom: () => this.#counters.closed.room++,
    });
    this.#pings = new WebSocketPings(this, {
      interval: websocketPort === undefined ? 0 : options.websocketPing,
      option: "websocketPing",
    });
    const { heartbeatCmd, moveCmd } = options;
    const boxClass = app.boxClass as unknown as BoxClass<object>;
    const fail = (message: string) => new HavenError("option", message);
    this.#heartbeats = heartbeatCmd === undefined
      ? undefined
      : new Heartbeats(boxClass, heartbeatCmd, fail);
    this.#moves = moveCmd === undefined
      ? undefined
      : new MoveBoxes(boxClass, moveCmd, fail);
    this.#io = io;
    if (!io) return;
    this.#listeners = new Listeners(io, options, expected);
  }

  /** Where TCP clients connect, with the real port. */
  get addr(): Deno.NetAddr | undefined {
    return this.#listeners?.addr;
  }

  /** Where WebSocket clients connect, with the real port. */
  get websocketAddr(): Deno.NetAddr | undefined {
    return this.#listeners?.websocketAddr;
  }

  /** The connections. */
  all(): IterableIterator<Session<F, C>> {
    return this.#sessions.values();
  }

  /** Accepts connections from now on. */
  start(): void {
    this.#accepting = true;
    this.#watch.start();
    this.#pings.start();
    this.#listeners?.start((conn, steps) => this.#accept(conn, steps), {
      logger: this.#app.logger,
      running: this.#running,
    });
  }

  /** What of it goes to another process, of a server with sockets. */
  get parts(): ServerParts<F, C> {
    return {
      options: this.#options,
      listeners: this.#listeners!,
      ids: this.#ids,
      sessions: this.#sessions,
      users: this.users,
      limits: this.#limits,
      places: this.#places,
      entrance: this.#entrance,
      counters: this.#counters,
      watchStepMs: this.#watch.stepMs,
      retake: (from) => this.#retake(from),
      follow: (session) => this.#follow(session),
      enter: (piece) =>
        this.#running.follow(this.#entrance.takeOver(piece, this.#onOpen)),
    };
  }

  /** Begins no request until `goOn`, and has those wait that come. */
  hold(): void {
    this.#held = true;
    for (const session of this.all()) session.hold();
  }

  /** What still runs for connections: requests and hooks. */
  running(): Promise<void>[] {
    return Array.from(this.all(), ({ running }) => running)
      .filter((one) => one !== undefined);
  }

  /** Grows with each request, and each client that comes or goes. */
  get happened(): number {
    const { requests, accepted, closed } = this.#counters;
    return Object.values(closed).reduce(
      (sum, count) => sum + count,
      requests + accepted,
    );
  }

  /** Goes on with all requests. */
  goOn(): void {
    this.#held = false;
    for (const session of [...this.all()]) session.release();
  }

  /**
   * All is another process's, which has these: nothing is done for them any more. Whoever is on the
   * way out stays until he has read all.
   */
  letGo(given: readonly Session<F, C>[]): void {
    this.#isGiven = true;
    this.#accepting = false;
    this.#listeners?.close();
    this.#entrance.close();
    this.#pings.stop();
    this.#watch.stop();
    this.users.line?.letGo();
    for (const session of given) {
      this.#sessions.delete(session.connId);
      this.users.remove(session);
      session.letGo(GIVEN);
    }
  }

  /** Keeps out these from now on, and none of those before; who is connected is closed. */
  setDeny(ranges: readonly IpRange[]): void {
    this.#limits.addresses.setDeny(ranges);
    this.#entrance.closeBarred();
    this.#limits.closeBarred(this.all());
  }

  /** The counters as they are now. */
  stats(): ServerStats {
    const { closed, moves, ...counters } = this.#counters;
    return {
      ...counters,
      unhandled: unhandledErrors(),
      ...this.users.counters,
      users: this.users.size,
      ...this.users.groupStats,
      closed: { ...closed },
      moves: { ...moves },
      ...limitStats(this.#limits),
      connections: this.#sessions.size,
      bufferBytes: this.memory.bytes,
    };
  }

  /**
   * Accepts no more; with `lameDuck` has the clients move; reads no more, waits for the requests
   * that came, then closes all connections.
   */
  async close(): Promise<void> {
    this.#listeners?.close();
    this.#accepting = false;
    this.#entrance.close();
    await this.#haveMoved();
    this.#pings.stop();
    this.#watch.stop();
    await this.#drained();
    const busy = [...this.all()].filter((one) => one.pendingRequests > 0);
    if (busy.length > 0) {
      this.#app.logger.warn(
        `leaves while requests of ${busy.length} connections are not finished; their closeConn hooks are not called`,
      );
    }
    for (const session of busy) session.abandon();
    for (const session of [...this.all()]) session.socket.close(STOP);
    // What was given has no end here.
    if (!this.#isGiven) await this.#running.ended();
    else while (this.#sessions.size > 0) await pause(LOOK_MS);
    this.#limits.stop();
    await this.#io?.close();
    this.memory.stop();
  }
  onCreate(session: Session<F, C>): Promise<void> | undefined {
    return this.#app.onCreate(session);
  }
  onRequest(
    session: Session<F, C>,
    frame: Uint8Array,
  ): Promise<void> | undefined {
    this.#counters.requests++;
    return this.#app.onRequest(session, this.#app.boxClass.fromFrame(frame));
  }
  takesSign(session: Session<F, C>, frame: Uint8Array): boolean {
    const heartbeats = this.#heartbeats;
    if (heartbeats !== undefined && heartbeats.has(frame)) {
      this.#counters.heartbeats++;
      session.socket.send(heartbeats.answer(frame));
      return true;
    }
    const moves = this.#moves;
    if (moves === undefined || !moves.has(frame)) return false;
    session.canMove = true;
    return true;
  }
  onLeaving(session: Session<F, C>): void {
    this.#places.leave(session);
  }
  onEnd(session: Session<F, C>, cause: CloseCause): void {
    const { conn } = session;
    this.#places.leave(session);
    session.leftGroups = this.users.remove(session);
    this.#limits.closed(session);
    this.#counters.closed[cause.kind]++;
    const line =
      `client ${conn.id} at ${conn.address} closed: ${cause.message}`;
    const about = { conn: conn.id };
    if (isOrdinary(cause)) this.#app.logger.debug(line, about);
    else this.#app.logger.warn(line, about);
  }
  onGone(session: Session<F, C>, late: boolean): void {
    this.#places.gone(session);
    this.#limits.gone(session);
    const { conn } = session;
    if (!late) return;
    this.#counters.cut++;
    this.#app.logger.warn(
      `client ${conn.id} is cut: it has not read all within ${this.#options.linger} s after its connection was closed (linger)`,
      { conn: conn.id },
    );
  }
  onClose(session: Session<F, C>): Promise<void> | undefined {
    return this.#app.onClose(session);
  }

  async #haveMoved(): Promise<void> {
    const { lameDuck, moveTimeout } = this.#options;
    const open = () =>
      Array.from(this.all()).filter(({ socket }) => !socket.closed);
    if (lameDuck === 0 || open().length === 0) return;
    const { moves } = this.#counters;
    const duck = new LameDuck<Session<F, C>>({
      clients: open,
      ask: ({ socket }, afterMs) => {
        moves.asked++;
        socket.send(this.#moves!.ask(afterMs));
      },
      showOut: (session, isLate) => {
        moves[isLate ? "late" : "closed"]++;
        session.drain().then(() => session.socket.close(STOP));
      },
      moveTimeout,
    });
    await duck.run(lameDuck);
    const { asked, late, closed } = moves;
    this.#app.logger.info(
      `clients asked to move: ${asked}, of them closed after their time: ${late}; closed without: ${closed}; left: ${open().length}`,
    );
  }

  async #drained(): Promise<void> {
    const idle = Promise.all(Array.from(this.all(), (one) => one.drain()));
    await endedWithin(idle, this.#options.stopTimeoutMs);
  }

  #accept(conn: Conn, steps: Steps): void {
    if (!this.#accepting) return conn.close();
    const entering = this.#entrance.accept(conn, steps, this.#onOpen);
    if (entering) this.#running.follow(entering);
  }

  readonly #onOpen: OnOpen = (opened, counted) =>
    void this.#begin(transportOf(opened, this.#socketOptions()), counted);

  #socketOptions(): FrameSocketOptions {
    const { frameBytes, outboxBytes, linger } = this.#options;
    return {
      framing: this.#app.boxClass,
      frameBytes: frameBytes,
      outboxBytes: outboxBytes,
      loneBytes: outboxBytes * AT_ONCE,
      lingerMs: linger * 1000,
      meter: this.memory,
      ownFrames: true,
    };
  }

  /** Lets a client in that has no socket. */
  connect(end: MemoryEnd): MemoryConnection {
    const transport = new MemoryTransport(end);
    const session = this.#begin(transport);
    const idle = async () => {
      do await session.idle(); while (
        transport.hasFrames || session.pendingRequests > 0
      );
    };
    return {
      idle,
      send(frame) {
        transport.take(frame);
        return idle();
      },
      close() {
        transport.hangUp();
        return session.finished;
      },
    };
  }

  #onFull(): void {
    const { connsMax } = this.#options;
    this.#counters.refused++;
    this.#app.logger.warn(
      `a client is refused: there are ${connsMax} connections, the most that connsMax allows`,
    );
  }

  #begin(
    transport: ServerTransport,
    counted?: CountedAddress,
  ): Session<F, C> {
    const id = ++this.#ids.last;
    const session = this.#session(id, { transport, counted });
    const { address } = session.conn;
    this.#places.take(session);
    this.#counters.accepted++;
    this.#counters.peak = Math.max(this.#counters.peak, this.#sessions.size);
    this.#app.logger.debug(`client ${id} at ${address} connected`, {
      conn: id,
    });
    session.start();
    if (this.#held) session.hold();
    this.#follow(session);
    return session;
  }

  #session(
    id: number,
    { transport, counted, state }: {
      readonly transport: ServerTransport;
      readonly counted: CountedAddress | undefined;
      readonly state?: object | undefined;
    },
  ): Session<F, C> {
    const conn = new Connection<F, C>({
      id,
      address: formatAddress(transport.remoteAddr),
      boxClass: this.#app.boxClass,
      transport,
      outboxBytes: this.#options.outboxBytes,
      state,
    });
    const session = new Session<F, C>(this, conn, { transport, counted });
    this.#sessions.set(id, session);
    return session;
  }

  #retake({ connId, piece, ...rest }: RetakenSession): Session<F, C> {
    const transport = transportFrom(piece, this.#socketOptions());
    return this.#session(connId, { transport, ...rest });
  }

  // A connection counts until it has ended for good and its hooks were called.
  #follow(session: Session<F, C>): void {
    this.#running.follow(
      session.socket.run(session).then(() => session.finished).then(() => {
        this.#sessions.delete(session.connId);
        this.#places.free(session);
      }),
    );
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
