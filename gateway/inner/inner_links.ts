// InnerLinks: the workers and triggers of a gateway, from when they are let in to the end of their
// connections.

import { TaskCmd, TaskOffset } from "@maple/box";
import {
  type CloseCause,
  type Conn,
  farewell,
  formatAddress,
  FrameSocket,
  type FrameSocketOptions,
  type InnerRole,
  isForbidden,
  isHello,
  LINK_BUFFER_BYTES,
  readInt32,
  type Receipt,
  type RecordValues,
  type SocketPiece,
  STOP,
  takeFields,
  transportFrom,
} from "@maple/box/internal";
import type { GatewayContext } from "../context.ts";
import type { Entry } from "../inner_access.ts";
import { ignoreForbidden, ignoreOld, ignoreUnknown } from "./ignore_frame.ts";
import {
  InnerLink,
  LINK_FIELDS,
  type LINK_MORE,
  type LinkOwner,
} from "./inner_link.ts";
import { InnerPlaces } from "./inner_places.ts";
import { INNER_FRAMING, isOldTask, modernTask } from "./old_task.ts";
import type { PullCommands } from "./pull_commands.ts";
import type { Commands } from "./sender.ts";
import { SignOfLife } from "./sign_of_life.ts";
import { tellAttached, tellEnd } from "./tell_link.ts";
import type { WorkerStats } from "../metrics/stats.ts";

const ASK = TaskCmd.WORKER_ASK_FOR_TASK;

/** What of a link is not a field of it, as one process tells another. */
export type GivenLink =
  & Readonly<
    Record<Exclude<keyof typeof LINK_MORE, "onTrial">, string>
  >
  & { readonly onTrial: boolean };

/** The workers and triggers of a gateway. */
export class InnerLinks implements LinkOwner {
  readonly #context: GatewayContext;
  readonly #pullCommands: PullCommands;
  readonly #clientCommands: Commands;
  readonly #places: InnerPlaces<InnerLink>;
  #workers = 0;
  readonly #signOfLife: SignOfLife;
  #closed = false;
  #leaves = false;

  /** Makes it without any connection; the commands are what is done with their frames. */
  constructor(
    context: GatewayContext,
    pullCommands: PullCommands,
    clientCommands: Commands,
  ) {
    this.#context = context;
    this.#places = new InnerPlaces(context.options);
    this.#pullCommands = pullCommands;
    this.#clientCommands = clientCommands;
    this.#signOfLife = new SignOfLife(context.options, () => this.all());
    context.cluster?.onList(() => this.#greetAgain());
  }

  /** How many connections there are. */
  get size(): number {
    return this.#places.links.size;
  }

  /** How many of them have asked for a task. */
  get workers(): number {
    return this.#workers;
  }

  /** All of them. */
  all(): Iterable<InnerLink> {
    return this.#places.links;
  }

  /** What is known of each worker. */
  workerStats(): WorkerStats[] {
    const now = performance.now();
    const stats: WorkerStats[] = [];
    for (const link of this.#places.links) {
      if (!link.isWorker) continue;
      stats.push({
        ...link.identity,
        address: link.address,
        credits: link.credits,
        inHand: link.inHand.size,
        done: link.done,
        connectedSeconds: (now - link.connectedAt) / 1000,
        seenSeconds: Math.max(0, (now - link.seenAt) / 1000),
      });
    }
    return stats;
  }

  /** Begins to look for workers that vanished. */
  start(): void {
    this.#signOfLife.start();
  }

  /**
   * Nothing more is taken from triggers that go by receipts, and those that still come: what they
   * have got no receipt for they send again, to the gateway that comes after this one.
   */
  leave(): void {
    this.#leaves = true;
    for (const link of this.#places.links) {
      if (!link.isWorker) this.#seeOff(link);
    }
  }

  /** Closes all connections in order, and those that still come. */
  close(): void {
    this.#closed = true;
    this.#signOfLife.stop();
    for (const link of this.#places.links) {
      this.#seeOff(link);
      link.socket.close(STOP);
    }
  }

  /** All are another process's: nothing is looked for any more. */
  stop(): void {
    this.#signOfLife.stop();
  }

  /** Whether nobody new can be let in. */
  get isFull(): boolean {
    return this.#places.isFull;
  }

  /** Refuses a worker or trigger, since there are too many. */
  refuseFull(conn: Conn): void {
    const { options, counters, logger } = this.#context;
    counters.innerRefused++;
    logger.warn(
      `worker or trigger ${
        formatAddress(conn.remoteAddr)
      } is refused: there are ${options.innerConnsMax} connections, the most that innerConnsMax allows`,
    );
    conn.close();
  }

  /**
   * Lets a worker or trigger in.
   *
   * @param entry How it came.
   */
  accept(conn: Conn, entry: Entry): void {
    const { options: { innerFrameBytes }, logger } = this.#context;
    if (this.isFull) return this.refuseFull(conn);
    const socket = new FrameSocket(conn, this.#socketOptions());
    const link = new InnerLink(socket, this, innerFrameBytes, entry);
    const leaves = this.#places.add(link);
    if (leaves) this.#refuse(leaves);
    const { secret } = entry;
    logger.debug(
      `worker or trigger at ${link.address} connected${
        secret ? `, with a secret of role ${secret.role}` : ""
      }`,
    );
    this.#context.follow(socket.run(link));
    // It was let in by the system before the listener was closed.
    if (this.#closed) socket.close(STOP);
  }

  /** What of each link is not a field of it, for another process. */
  give(link: InnerLink): GivenLink {
    const { secret, role, mac } = link.entry;
    return {
      role: role ?? "",
      secret: secret?.mark ?? "",
      mac: mac ?? "",
      onTrial: this.#places.isOnTrial(link),
    };
  }

  /**
   * Takes a link that another process has given; of its frames none comes before `begin`.
   *
   * @param values What was given.
   */
  retake(values: RecordValues, piece: SocketPiece): InnerLink {
    const { options: { innerFrameBytes }, access } = this.#context;
    const { role, secret, mac, onTrial } = values as unknown as GivenLink;
    const entry: Entry = {
      ...(secret && { secret: access.secretBy(role as InnerRole, secret) }),
      ...(role && { role: role as InnerRole }),
      ...(mac && { mac }),
    };
    const socket = transportFrom(piece, this.#socketOptions());
    const link = new InnerLink(socket, this, innerFrameBytes, entry);
    takeFields(link, LINK_FIELDS, values);
    this.#places.retake(link, onTrial);
    if (link.isWorker) this.#workers++;
    return link;
  }

  /** A link that was taken begins. What it is held back for still is the queue, which is full. */
  begin(link: InnerLink): void {
    const { queue, follow } = this.#context;
    for (let held = link.held; held > 0; held--) {
      queue.gate.opened().then(() => link.readOn());
    }
    follow(link.socket.run(link));
  }

  #socketOptions(): FrameSocketOptions {
    const { options: { innerFrameBytes }, memory } = this.#context;
    return {
      framing: INNER_FRAMING,
      frameBytes: innerFrameBytes,
      outboxBytes: innerFrameBytes * 4,
      bufferBytes: LINK_BUFFER_BYTES,
      meter: memory,
    };
  }

  /** Closes those that could not come in any more as they did. */
  recheck(): void {
    const { access, dispatcher, logger } = this.#context;
    const leaving = [...this.#places.links].filter(({ entry, socket }) =>
      !access.keeps(entry, socket.remoteAddr.hostname)
    );
    // What one of them holds must not go to the next one, only to be lost there as well.
    for (const link of leaving) dispatcher.withdraw(link);
    for (const link of leaving) {
      const { secret } = link.entry;
      const message = secret
        ? `its secret of role ${secret.role} is none any more`
        : "it has proven nothing, which its address needs now";
      logger.warn(`${link.name} is disconnected: ${message}`);
      const cause: CloseCause = { kind: "local", message };
      if (!this.#seeOff(link, cause)) link.socket.close(cause);
    }
  }

  onWorkerAttach(link: InnerLink): void {
    tellAttached(this.#context, link, ++this.#workers);
  }

  ping(link: InnerLink): void {
    this.#signOfLife.ask(link);
  }

  onInnerFrame(link: InnerLink, frame: Uint8Array): void {
    if (this.#places.isOnTrial(link)) {
      const asks = readInt32(frame, TaskOffset.cmd) === ASK;
      if (!this.#places.judge(link, asks)) return this.#refuse(link);
    }
    const { role } = link.entry;
    if (role && isForbidden(role, frame)) {
      return ignoreForbidden(this.#context, link, frame);
    }
    if (link.speaksOld || isOldTask(frame)) return this.#runOld(link, frame);
    if (this.#pullCommands.run(link, frame)) {
      if (this.#leaves && isHello(frame)) this.#seeOff(link);
      return;
    }
    if (this.#clientCommands.run(link, frame)) return;
    ignoreUnknown(this.#context, link, frame);
  }

  onReceipt(frame: Uint8Array, { delivered, error }: Partial<Receipt>): void {
    const { receipts } = this.#context.counters;
    if (error) receipts.refused++;
    else if (readInt32(frame, TaskOffset.cmd) === TaskCmd.QUERY) {
      receipts.answered++;
    } else if (delivered) receipts.reached++;
    else receipts.nobody++;
  }

  onInnerClose(link: InnerLink, cause: CloseCause): void {
    this.#places.delete(link);
    const { counters, dispatcher } = this.#context;
    counters.innerClosed[cause.kind]++;
    if (link.isWorker) this.#workers--;
    const lost = dispatcher.lost(link);
    tellEnd(this.#context, link, {
      cause,
      lost,
      workers: this.#workers,
      isClosing: this.#closed,
    });
  }

  #greetAgain(): void {
    for (const link of this.all()) {
      if (link.isGreeted && !link.closed) this.#pullCommands.greet(link);
    }
  }

  // Closes a link that goes by receipts: what it has sent and is still being done is ended first,
  // while nothing more is taken from it. Answers whether it is such a link.
  #seeOff(link: InnerLink, cause = STOP): boolean {
    if (!link.identity?.receipts || link.closed) return false;
    if (link.receiptsDue > 0) {
      if (!link.onReceiptsGiven) link.holdBack();
      link.onReceiptsGiven = () => void this.#seeOff(link, cause);
      return true;
    }
    link.socket.send(farewell());
    link.socket.close(cause);
    return true;
  }

  #refuse(link: InnerLink): void {
    const { counters, logger, options } = this.#context;
    const { innerConnsMax } = options;
    const kept = innerConnsMax - this.#places.triggersMax;
    counters.innerRefused++;
    logger.warn(
      `${link.name} is refused: of ${innerConnsMax} connections ${kept} are kept for workers (innerReserve)`,
    );
    link.socket.destroy();
  }

  // Of what such a peer says only a task for a worker can be understood.
  #runOld(link: InnerLink, frame: Uint8Array): void {
    link.speaksOld = true;
    const cmd = readInt32(frame, TaskOffset.cmd);
    const task = cmd === TaskCmd.WRITE_TO_WORKER ? modernTask(frame) : null;
    if (task) this.#pullCommands.run(link, task);
    else ignoreOld(this.#context, link, frame);
  }
}
