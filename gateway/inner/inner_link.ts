// InnerLink: one connection of a worker or a trigger, and the tasks that a worker holds on it.

import { TaskOffset } from "@maple/box";
import {
  chainEnded,
  type CloseCause,
  type FieldPlan,
  formatAddress,
  type FrameHandler,
  type FrameTransport,
  left,
  type PeerIdentity,
  type Receipt,
  receiptFor,
  turnNow,
  writeRecall,
} from "@maple/box/internal";
import type { Entry } from "../inner_access.ts";
import { LinkedList } from "../queue/linked_list.ts";
import type {
  QueueClient,
  QueuedTask,
  TaskHolder,
} from "../queue/queued_task.ts";
import type { Sender } from "./sender.ts";

// What one task counts for in the average: what lies 100 tasks back is forgotten.
const TASK_WEIGHT = 1 / 32;
// A worker for which more waits to be sent does not come to what it has.
const UNSENT_BYTES_MAX = 256 * 1024;
// A worker for which so much waits to be sent gets no task more: what it has asked for may be more
// than its outbox takes, however well it reads.
const FULL_BYTES = 1024 * 1024;

/** What a link tells its gateway. */
export interface LinkOwner {
  /** It has asked for its first task, and so is a worker's. */
  onWorkerAttach(link: InnerLink): void;
  /** A whole Task came; valid during the call only. */
  onInnerFrame(link: InnerLink, frame: Uint8Array): void;
  /** A worker of ours is to show that it lives. */
  ping(link: InnerLink): void;
  /** It is given a receipt or an answer for a frame. */
  onReceipt(frame: Uint8Array, receipt: Partial<Receipt>): void;
  /** The connection has ended. */
  onInnerClose(link: InnerLink, cause: CloseCause): void;
}

/** One connection of a worker or a trigger. It is a worker's from its first ASK on. */
export class InnerLink implements FrameHandler, TaskHolder, Sender {
  /** The next of the links with credits that hold as many tasks. */
  next: TaskHolder | null = null;
  /** The link before it. */
  prev: TaskHolder | null = null;
  /** What carries its frames. */
  readonly socket: FrameTransport;
  /** Address and port of the other side, for logs. */
  readonly address: string;
  /** Whether it has asked for a task. */
  isWorker = false;
  /** How many tasks it has asked for and not yet got. */
  credits = 0;
  /** Used by `AskingLinks`: among which of them it is. */
  rank = 0;
  /** Whether it acknowledges by delivery id, as a worker of ours does. */
  acknowledgesById = false;
  /** Whether it runs chained tasks one after the other, as a worker of ours says. */
  chains = false;
  /** How it came in. */
  readonly entry: Entry;
  /** Whether it was logged that it has sent what its role may not. */
  toldForbidden = false;
  /** Whether it was greeted, as one of ours. */
  isGreeted = false;
  /** Who it says it is. */
  identity: PeerIdentity | undefined;
  /** When it connected, in milliseconds of `performance.now()`. */
  readonly connectedAt: number = performance.now();
  /** When its last frame came, in milliseconds of `turnNow`. */
  seenAt: number = this.connectedAt;
  /** How many tasks it has acknowledged. */
  done = 0;
  /** Milliseconds that its tasks took of late, on average, as it tells; 0 = not known. */
  taskMs = 0;
  /** Its asks that were ignored. */
  asksIgnored = 0;
  /** Pings since its last frame. */
  unansweredPings = 0;
  /** Used by `AskingLinks`: whether it is kept out. */
  parked = false;
  /** Used by the dispatcher: whether it counts among those that may get tasks. */
  counted = false;
  /** Whether it wants no more tasks. */
  withdrawn = false;
  /** Whether it has sent a Task with the header of 60 bytes. */
  speaksOld = false;
  /** Whether it was logged that it has sent one that cannot be served. */
  toldOld = false;
  /** How many receipts it is still to get. */
  receiptsDue = 0;
  /** Called when it has got the last of them. */
  onReceiptsGiven: (() => void) | undefined;
  /** The tasks that it holds, the oldest first. */
  readonly inHand: LinkedList<QueuedTask> = new LinkedList();
  /** Whether it is told in which groups a client was that is gone, as a worker of ours says. */
  groups = false;
  /** How often it is held back, see `holdBack`. */
  held = 0;
  readonly #owner: LinkOwner;
  readonly #unsentMax: number;
  readonly #fullBytes: number;

  /**
   * @param socket What carries its frames.
   * @param owner What is told.
   * @param frameBytes Bytes of the longest Task, a few of which may always wait to be sent.
   * @param entry How it came in.
   */
  constructor(
    socket: FrameTransport,
    owner: LinkOwner,
    frameBytes: number = FULL_BYTES,
    entry: Entry = {},
  ) {
    this.entry = entry;
    this.socket = socket;
    this.#owner = owner;
    this.#unsentMax = Math.min(frameBytes, UNSENT_BYTES_MAX);
    this.#fullBytes = Math.min(frameBytes, FULL_BYTES);
    this.address = formatAddress(socket.remoteAddr);
  }

  /** `worker 127.0.0.1:4321`, for logs. */
  get name(): string {
    const { name, pid } = this.identity ?? {};
    const who = name === undefined ? "" : ` ${name}[${pid ?? "?"}]`;
    const role = this.isWorker ? "worker" : this.entry.secret?.role;
    return `${role ?? "trigger"}${who} ${this.address}`;
  }

  /** It holds tasks as itself. */
  get holder(): this {
    return this;
  }

  /** Whether no more tasks can be sent on it. */
  get closed(): boolean {
    return this.socket.closed;
  }

  /** Whether it reads what it is sent, so that there may be more of it. */
  get keepsUp(): boolean {
    return this.socket.pendingBytes < this.#unsentMax;
  }

  /** Whether so much waits to be sent to it that it gets nothing more until it has read. */
  get isFull(): boolean {
    return this.socket.pendingBytes >= this.#fullBytes;
  }

  /** It is not read from, until `readOn` is called as often as this. */
  holdBack(): void {
    if (this.held++ === 0) this.socket.pause();
  }

  /** It may be read from again, as far as the caller is concerned. */
  readOn(): void {
    if (--this.held === 0) this.socket.resume();
  }

  /** It is to get one more receipt. */
  beginReceipt(): void {
    this.receiptsDue++;
  }

  /** It has got one of those that were due. */
  endReceipt(): void {
    if (--this.receiptsDue === 0) this.onReceiptsGiven?.();
  }

  /** Sends it a receipt or an answer for a frame, of which only the header is looked at. */
  receive(frame: Uint8Array, receipt: Partial<Receipt>): void {
    this.#owner.onReceipt(frame, receipt);
    this.socket.send(receiptFor(frame, receipt));
  }

  /** A worker that runs chains waits for this. */
  confirm(frame: Uint8Array): void {
    this.socket.send(chainEnded(frame));
  }

  /** Resolves when all that was sent to it is written, or it is closed. */
  drained(): Promise<void> {
    return this.socket.drained();
  }

  /** It has asked for its first task. */
  attach(identity: PeerIdentity | undefined): void {
    this.isWorker = true;
    this.identity = identity;
    this.chains = identity?.chains ?? false;
    this.groups = identity?.groups ?? false;
    this.#owner.onWorkerAttach(this);
  }

  /** Takes the milliseconds of one more task, as the worker tells them, into the average. */
  averageIn(ms: number): void {
    this.taskMs += (ms - this.taskMs) * (this.taskMs > 0 ? TASK_WEIGHT : 1);
  }

  /** Sends a task to the worker; the connection is closed when it does not read what it is sent. */
  deliver(task: QueuedTask): void {
    const isBare = !this.groups && task.isNews;
    const at = this.socket.reserve(isBare ? TaskOffset.body : task.bytes);
    if (at >= 0) task.writeTo(this.socket.buffer, at, isBare);
  }

  /** Makes it give the tasks of a client back that are chained and not begun. */
  recall(client: QueueClient): void {
    const at = this.socket.reserve(TaskOffset.body);
    if (at < 0) return;
    client.writeHeader(this.socket.buffer, at);
    writeRecall(this.socket.buffer, at);
  }

  /** Makes a worker of ours send a frame soon. */
  askForLife(): void {
    if (this.acknowledgesById) this.#owner.ping(this);
  }

  onFrame(frame: Uint8Array): void {
    this.unansweredPings = 0;
    this.seenAt = turnNow();
    this.#owner.onInnerFrame(this, frame);
  }

  onClose(cause: CloseCause): void {
    this.#owner.onInnerClose(this, cause);
  }
}

/** What of a link is handed to another process. */
export const LINK_FIELDS: FieldPlan<InnerLink> = {
  next: left("it is put among those that ask anew"),
  prev: left("it is put among those that ask anew"),
  socket: left("a record of its own"),
  address: left("follows from the connection"),
  name: left("follows from the identity"),
  closed: left("follows from the connection"),
  keepsUp: left("follows from the connection"),
  isFull: left("follows from the connection"),
  holder: left("it is itself"),
  isWorker: "flag",
  isGreeted: "flag",
  credits: "int",
  rank: "int",
  acknowledgesById: "flag",
  chains: "flag",
  groups: "flag",
  entry: left("by its role and the mark of its secret"),
  toldForbidden: "flag",
  identity: "json",
  connectedAt: "time",
  seenAt: "time",
  done: "int",
  taskMs: "number",
  asksIgnored: "int",
  unansweredPings: "int",
  parked: "flag",
  counted: "flag",
  withdrawn: "flag",
  speaksOld: "flag",
  toldOld: "flag",
  receiptsDue: left("all are given before"),
  onReceiptsGiven: left("all are given before"),
  inHand: left("the tasks tell"),
  held: "int",
};

/** What is handed over beside them. */
export const LINK_MORE = {
  role: "text",
  secret: "text",
  mac: "text",
  onTrial: "flag",
} as const;
