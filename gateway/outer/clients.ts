// Clients: lets clients in, makes tasks of their frames, and holds back those that send too much.

import { type BoxOf, RET, Task, TaskCmd, TaskOffset } from "@maple/box";
import {
  ClientPlaces,
  type ClientRates,
  type CloseCause,
  type Conn,
  type CountedAddress,
  type EnteringPiece,
  Entrance,
  formatAddress,
  type FrameSocketOptions,
  type Heartbeats,
  isOrdinary,
  type MoveBoxes,
  type OnOpen,
  type RecordValues,
  type ServerTransport,
  type SocketPiece,
  STOP,
  takeFields,
  transportFrom,
  transportOf,
  writeInt32,
} from "@maple/box/internal";
import {
  CLIENT_FIELDS,
  ClientSession,
  type SessionOwner,
} from "./client_session.ts";
import { GoneTransport } from "./gone_transport.ts";
import type { GatewayContext } from "../context.ts";
import { Groups } from "./groups.ts";
import {
  heartbeatsOf,
  movesOf,
  proxiesOf,
  webSocketsOf,
} from "../read_options.ts";
import { QueuedTask } from "../queue/queued_task.ts";
import type { OuterPlan } from "./listeners.ts";
import type { OuterTransport } from "./outer_transport.ts";

// Of a client that had ended its sending before all was answered.
const LEFT: CloseCause = { kind: "peer", message: "closed by the other side" };
// How often those are looked at that are closed and not gone.
const LOOK_MS = 20;
// Not all at the same moment: each of them has a handshake before it.
const MOVE_EVERY_MS = 5;
const EMPTY: Uint8Array = new Uint8Array(0);

// What a box class may have and a reply of the gateway needs.
interface ReturnField {
  ret: number;
}

// Of one whose connection ends in the process before.
const LEFT_BEHIND: CloseCause = {
  kind: "stop",
  message: "its connection cannot be handed over",
};
// What a session has from its constructor and `setUser`.
const CONSTRUCTED = ["connId", "transport", "uid", "userdata"] as const;

/** What one process tells another of its clients, beside each of them. */
export interface ClientsPiece {
  /** The number of the connection that came last. */
  readonly lastConnId: number;
}

/** What a client is made of that another process has given. */
export type GivenClient =
  & Pick<ClientSession, typeof CONSTRUCTED[number]>
  & {
    readonly isOpen: boolean;
    readonly hostname: string;
    readonly port: number;
    readonly counted: string;
    readonly groups: readonly string[] | undefined;
  };

/** The clients of a gateway. */
export class Clients implements SessionOwner {
  readonly #context: GatewayContext;
  readonly #header: Uint8Array;
  readonly #places: ClientPlaces<ClientSession>;
  readonly #heartbeats: Heartbeats | undefined;
  readonly #moves: MoveBoxes | undefined;
  readonly #entrance: Entrance;
  readonly #rates: ClientRates<ClientSession>;
  readonly #groups: Groups;
  readonly #over: Record<OuterTransport, number> = {
    tcp: 0,
    ws: 0,
    tls: 0,
    wss: 0,
  };
  #lastConnId = 0;
  // The process that has given all of them.
  #giver = 0;
  // How many go by way of which other process, and how many of them were asked to move.
  readonly #relayedBy = new Map<number, number>();
  #relayedAsked = 0;
  // The same for all that another process has given.
  #givenOptions: FrameSocketOptions | undefined;
  #reading = true;
  // Whether another process has all of them.
  #isGiven = false;

  /** @param context The parts of the gateway. */
  constructor(context: GatewayContext) {
    this.#context = context;
    this.#groups = new Groups(context);
    this.#places = new ClientPlaces(context.options);
    this.#header = new Task({ tag: context.tag }).pack();
    this.setNode(context.options.nodeId);
    this.#heartbeats = heartbeatsOf(context.options);
    this.#moves = movesOf(context.options);
    this.#rates = context.clientLimits.rates;
    this.#entrance = new Entrance({
      ...webSocketsOf(context.options),
      proxies: proxiesOf(context.options),
      addresses: context.clientLimits.addresses,
      places: this.#places,
      onFull: (conn) => this.#onFull(conn),
      onRefused: ({ line, step }) => {
        context.counters.handshakesRefused[step]++;
        if (step === "proxy") context.logger.warn(line);
        else context.logger.debug(line);
      },
      onRoom: () => context.counters.clientsClosed.room++,
    });
  }

  /** The number of this gateway, which is known for good before a client comes. */
  setNode(nodeId: number): void {
    writeInt32(this.#header, TaskOffset.nodeId, nodeId);
  }

  /** How many there are, by transport. */
  get over(): Readonly<Record<OuterTransport, number>> {
    return this.#over;
  }

  /** How many of them go by way of a process that was the gateway before, by its id. */
  get relayedBy(): ReadonlyMap<number, number> {
    return this.#relayedBy;
  }

  /** How many are to become clients when their handshake is done. */
  get handshakes(): number {
    return this.#entrance.size;
  }

  /** Whether a connection that comes from there is refused at once, which is told. */
  refuses(address: string): boolean {
    return this.#entrance.refuses(address);
  }

  /**
   * Lets a client in: at once, or when it has done what comes before its frames.
   *
   * @param plan What it has to do, and what is to carry its frames.
   * @returns A promise when nobody else may be let in before it has resolved.
   */
  accept(conn: Conn, plan: OuterPlan): Promise<void> | void {
    const { queue, follow } = this.#context;
    const entering = this.#entrance.accept(
      conn,
      plan,
      this.#onOpen(plan.transport),
    );
    if (entering) follow(entering);
    const { newsGate } = queue.room;
    if (!newsGate.isOpen) return newsGate.opened();
  }

  /** What is not the clients themselves, for another process. */
  give(): ClientsPiece {
    return { lastConnId: this.#lastConnId };
  }

  /**
   * Takes that; before the clients.
   *
   * @param giver The id of the process that has given it.
   */
  takeOver({ lastConnId }: ClientsPiece, giver: number): void {
    this.#lastConnId = lastConnId;
    this.#giver = giver;
    writeInt32(this.#header, TaskOffset.tag, this.#context.tag);
  }

  /** Those whose handshakes are under way, for another process. */
  entering(): Iterable<EnteringPiece> {
    return this.#entrance.give();
  }

  /** Goes on with a handshake that another process has begun. */
  enter(piece: EnteringPiece): void {
    const transport = piece.ws ? "ws" : "tcp";
    const entered = this.#entrance.takeOver(piece, this.#onOpen(transport));
    this.#context.follow(entered);
  }

  /**
   * Takes a client that another process has given; of its frames none comes before `begin`.
   *
   * @param values What was given.
   * @param piece Its connection; undefined where it is gone, or could not be handed over.
   */
  retake(values: RecordValues, piece?: SocketPiece): ClientSession {
    const session = this.remake(values, piece);
    const given = values as unknown as GivenClient;
    if (given.isOpen) this.reenter(session, given);
    return session;
  }

  /** Makes a client as another process has it; with `reenter` it is one of this gateway's. */
  remake(values: RecordValues, piece?: SocketPiece): ClientSession {
    const given = values as unknown as GivenClient;
    const { connId, transport, uid, userdata, hostname, port } = given;
    const addr = { transport: "tcp", hostname, port } as const;
    const session = new ClientSession(
      piece
        ? transportFrom(piece, this.#givenOptions ??= this.#socketOptions())
        : new GoneTransport(addr, LEFT_BEHIND),
      {
        owner: this,
        connId,
        transport,
        counted: undefined,
        header: this.#header,
      },
    );
    if (uid !== 0) session.setUser(uid, userdata);
    takeFields(session, CLIENT_FIELDS, values, CONSTRUCTED);
    if (transport === "tls" || transport === "wss") {
      session.relayedBy ||= this.#giver;
    }
    return session;
  }

  /** Enters a client that `remake` has made. */
  reenter(
    session: ClientSession,
    { counted, groups: names }: Pick<GivenClient, "counted" | "groups">,
  ): void {
    const { sessions, groups, fanOut, clientLimits } = this.#context;
    session.counted = clientLimits.addresses.rejoin(counted);
    sessions.retake(session);
    fanOut.enter(session);
    this.#places.take(session);
    this.#over[session.transport]++;
    this.#countRelayed(session, 1);
    for (const name of names ?? []) groups.join(session, name);
    if (session.slowed) clientLimits.rates.resume(session);
  }

  /** A client that was taken begins. */
  begin(session: ClientSession): void {
    this.#context.follow(session.socket.run(session));
    // It need not go by way of the process before, which stays as long as there is one that does.
    if (session.relayedBy !== 0 && this.#moves && session.canMove) {
      this.askToMove(session, this.#relayedAsked++ * MOVE_EVERY_MS);
    }
  }

  /** Those that are closed and not gone yet, or wait for their last answers. */
  leaving(): Iterable<ClientSession> {
    return this.#places.leaving();
  }

  /** Sends a client a message that goes to others as well; whether it was taken. */
  send({ socket }: ClientSession, message: Uint8Array): boolean {
    const { counters } = this.#context;
    if (!socket.send(message)) {
      counters.answersDropped.outbox++;
      return false;
    }
    counters.answerBytes += message.length;
    return true;
  }

  /** Asks one that knows how to move to do so, in so many milliseconds. */
  askToMove({ socket }: ClientSession, afterMs: number): void {
    this.#context.counters.moves.asked++;
    socket.send(this.#moves!.ask(afterMs));
  }

  /**
   * Reads one no more, and closes it when it has its answers.
   *
   * @param isLate Whether it was asked to move, and had its time.
   */
  showOut(session: ClientSession, isLate: boolean): void {
    this.#context.counters.moves[isLate ? "late" : "closed"]++;
    session.shownOut = true;
    session.socket.pause();
    if (session.pendingRequests === 0) session.socket.close(STOP);
  }

  /** Reads nobody any more. */
  stopReading(): void {
    this.#reading = false;
    this.#entrance.close();
    for (const session of this.#context.sessions.all()) session.socket.pause();
  }

  /** Closes all connections in order, and those that still come. */
  close(): void {
    this.#reading = false;
    this.#entrance.close();
    for (const { socket } of this.#context.sessions.all()) socket.close(STOP);
    for (const { socket } of this.#places.leaving()) socket.close(STOP);
  }

  /** All are another process's: closes those that could not go along, and tells nobody of it. */
  letGo(left: Iterable<ClientSession>): void {
    this.#isGiven = true;
    this.#reading = false;
    this.#entrance.close();
    for (const session of left) {
      session.socket.close(LEFT_BEHIND);
    }
  }

  /** Resolves when the last of those that could not go along, or were closed before, is gone. */
  async left(): Promise<void> {
    const isLeft = ({ socket }: ClientSession) => socket.closed;
    while ([...this.#places.leaving()].some(isLeft)) {
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
  }

  /** Closes whoever has an address that is denied or banned now; gives how many clients. */
  closeBarred(): number {
    const { clientLimits, sessions } = this.#context;
    this.#entrance.closeBarred();
    return clientLimits.closeBarred(sessions.all()) +
      clientLimits.closeBarred(this.#places.leaving());
  }
  onClientPing(session: ClientSession, bytes: number): void {
    if (this.#rates.on) this.#rates.take(session, bytes);
  }
  onClientFrame(session: ClientSession, frame: Uint8Array): void {
    const { counters, options, queue } = this.#context;
    const rates = this.#rates;
    if (rates.on && !rates.take(session, frame.length)) return;
    const heartbeats = this.#heartbeats;
    if (heartbeats !== undefined && heartbeats.has(frame)) {
      counters.heartbeats++;
      session.socket.send(heartbeats.answer(frame));
      return;
    }
    const moves = this.#moves;
    if (moves !== undefined && moves.has(frame)) {
      session.canMove = true;
      return;
    }
    counters.clientFrames++;
    counters.clientBytes += frame.length;
    if (!queue.room.fits(session, TaskOffset.body + frame.length)) {
      counters.refused++;
      session.refuse(frame, RET.BUSY);
      return;
    }
    if (++session.pendingRequests >= options.clientQueueMax) {
      if (!session.paused) counters.clientPauses++;
      session.paused = true;
      session.socket.pause();
    }
    this.#submit(TaskCmd.CLIENT_REQ, session, frame);
  }
  onClientEnd(session: ClientSession): void {
    this.#places.leave(session);
    this.#context.queue.retire(session);
    this.#context.dispatcher.left(session);
  }
  onClientClose(session: ClientSession, cause: CloseCause): void {
    if (this.#isGiven) return this.#places.leave(session);
    const { sessions, counters, logger } = this.#context;
    sessions.remove(session);
    this.#context.clientLimits.closed(session);
    const names = this.#groups.gone(session);
    this.#over[session.transport]--;
    this.#countRelayed(session, -1);
    this.#places.leave(session);
    counters.clientsClosed[cause.kind]++;
    const line =
      `client ${session.connId} at ${session.address} closed: ${cause.message}`;
    const about = { conn: session.connId };
    if (isOrdinary(cause)) logger.debug(line, about);
    else logger.warn(line, about);
    const isTold = this.#context.queue.leave(session);
    this.#context.dispatcher.left(session);
    if (isTold) {
      const body = this.#groups.bodyOf(session, names);
      this.#submit(TaskCmd.CLIENT_CLOSED, session, body);
    } else counters.newsDropped++;
  }
  onClientGone(session: ClientSession, late: boolean): void {
    this.#places.free(session);
    this.#context.clientLimits.gone(session);
    if (!late) return;
    const { counters, logger, options } = this.#context;
    counters.clientsCut++;
    logger.warn(
      `client ${session.connId} is cut: it has not read all within ${options.linger} s after its connection was closed (linger)`,
      { conn: session.connId },
    );
  }

  /** A request is finished, or was dropped: its client may be read from again. */
  requestDone(session: ClientSession): void {
    const { clientQueueMax } = this.#context.options;
    session.pendingRequests--;
    if (session.pendingRequests === 0) {
      if (session.leaving) session.socket.close(LEFT);
      else if (session.shownOut) session.socket.close(STOP);
    }
    if (session.paused && session.pendingRequests <= clientQueueMax / 2) {
      session.paused = false;
      this.readOn(session);
    }
  }
  userChanging(session: ClientSession): void {
    this.#context.fanOut.settle(session);
  }
  userChanged(session: ClientSession): void {
    const { dispatcher, logins } = this.#context;
    dispatcher.recall(session);
    logins?.changed(session);
  }
  readOn(session: ClientSession): void {
    const { paused, heldBack, slowed, shownOut } = session;
    if (this.#reading && !paused && !heldBack && !slowed && !shownOut) {
      session.socket.resume();
    }
  }

  /**
   * Answers a request in place of a worker. A box class without a field `ret`, or with one too
   * small for the code, has no such answer.
   */
  refuse(session: ClientSession, frame: Uint8Array, ret: number): void {
    const { boxClass } = this.#context.options;
    if (session.socket.closed || !boxClass.fieldNames.includes("ret")) return;
    const request = boxClass.fromFrame(frame) as BoxOf<ReturnField>;
    let answer: Uint8Array;
    try {
      answer = request.map({ ret }).pack();
    } catch {
      return;
    }
    session.socket.send(answer);
  }

  #countRelayed({ relayedBy }: ClientSession, change: 1 | -1): void {
    if (relayedBy === 0) return;
    const count = (this.#relayedBy.get(relayedBy) ?? 0) + change;
    if (count > 0) this.#relayedBy.set(relayedBy, count);
    else this.#relayedBy.delete(relayedBy);
  }

  #socketOptions(): FrameSocketOptions {
    const { options, memory } = this.#context;
    return {
      framing: options.boxClass,
      frameBytes: options.frameBytes,
      outboxBytes: options.outboxBytes,
      loneBytes: options.innerFrameBytes,
      lingerMs: options.linger * 1000,
      meter: memory,
      ownFrames: true,
    };
  }

  #onOpen(transport: OuterTransport): OnOpen {
    return (opened, counted) =>
      this.#begin(transportOf(opened, this.#socketOptions()), {
        transport,
        counted,
      });
  }

  #onFull({ remoteAddr }: Conn): void {
    const { options, counters, logger } = this.#context;
    counters.clientsRefused++;
    logger.warn(
      `client ${
        formatAddress(remoteAddr)
      } is refused: there are ${options.connsMax} connections, the most that connsMax allows`,
    );
  }

  #begin(
    socket: ServerTransport,
    { transport, counted }: {
      readonly transport: OuterTransport;
      readonly counted: CountedAddress | undefined;
    },
  ): void {
    const { sessions, fanOut, counters, logger } = this.#context;
    const session = new ClientSession(socket, {
      owner: this,
      connId: ++this.#lastConnId,
      transport,
      counted,
      header: this.#header,
    });
    sessions.add(session);
    fanOut.enter(session);
    this.#places.take(session);
    counters.clientsAccepted++;
    counters.acceptedOver[transport]++;
    this.#over[transport]++;
    logger.debug(
      `client ${session.connId} at ${session.address} connected over ${transport}`,
      { conn: session.connId },
    );
    this.#submit(TaskCmd.CLIENT_CREATED, session, EMPTY);
    this.#context.follow(socket.run(session));
    // It was let in by the system before the listener was closed.
    if (!this.#reading) socket.close(STOP);
  }

  #submit(cmd: number, session: ClientSession, body: Uint8Array): void {
    this.#context.dispatcher.submit(
      new QueuedTask(cmd, body, session),
    );
  }
}
