// QueuedTask: one task from the moment it arrives until a worker has acknowledged it, and the two
// that it stands between: the client it is about and the worker that holds it.

import { TaskCmd, TaskFlag, TaskOffset } from "@maple/box";
import {
  addFlag,
  type FieldPlan,
  left,
  readInt32,
  removeFlag,
  turnNow,
  writeDelivery,
  writeInt32,
} from "@maple/box/internal";
import type { Linked, LinkedList } from "./linked_list.ts";

const NO_HEADER: Uint8Array = new Uint8Array(0);

/** What the queue needs of a client. */
export interface QueueClient {
  /** For the queue: the one of its tasks that is ready or, with order "client", with a worker. */
  front: QueuedTask | null;
  /** For the queue: the tasks that wait for that one. */
  readonly behind: LinkedList<QueuedTask>;
  /** For `Chains`: the worker that holds tasks of it, or held some last. */
  holder: TaskHolder | null;
  /** For `Chains`: how many of its tasks that worker holds. */
  chain: number;
  /** For `Chains`: how many were given since it held none; 0 = no more are added. */
  given: number;
  /** For `Chains`: how often in a row it had one task alone under way, up to a few times. */
  singles: number;
  /** For the queue: the news of its coming, while no worker has got any of its tasks. */
  created: QueuedTask | null;
  /** For the queue: the news that it is gone. */
  closed: QueuedTask | null;
  /** For the queue: whether its requests are dropped. */
  dropped: boolean;
  /** For the room: whether its connection has ended. */
  gone: boolean;
  /** For the room: how many of its requests wait. */
  waiting: number;
  /** For the room: how many bytes these take. */
  waitingBytes: number;
  /** For the room: the bytes of the one that came when none waited. */
  firstBytes: number;
  /** For the room: whether it is not read from, since it has its share. */
  heldBack: boolean;
  /** It is not to be read from. */
  holdBack(): void;
  /** It may be read from again. */
  readOn(): void;
  /** Writes the header of a task about it at `at`; what is the task's own is left to the task. */
  writeHeader(target: Uint8Array, at: number): void;
  /** Answers a request in place of a worker, where that can be done. */
  refuse(frame: Uint8Array, ret: number): void;
  /** One of its requests is finished, or was dropped. */
  requestDone(): void;
}

/** What the queue needs of somebody who asks for tasks: a worker's link. */
export interface TaskHolder extends Linked<TaskHolder> {
  /** For `AskingLinks`: how many tasks it has asked for and not yet got. */
  credits: number;
  /** For `AskingLinks`: among which of them it is. */
  rank: number;
  /** For `AskingLinks`: whether it is kept out, with its credits. */
  parked: boolean;
  /** For the dispatcher: whether it counts among those that may get tasks. */
  counted: boolean;
  /** For the dispatcher: whether it wants no more tasks. */
  withdrawn: boolean;
  /** For the dispatcher: how many tasks it has acknowledged. */
  done: number;
  /** For the dispatcher: the tasks that it holds, the oldest first. */
  readonly inHand: LinkedList<QueuedTask>;
  /** Whether it acknowledges by delivery id, as a worker of ours does. */
  readonly acknowledgesById: boolean;
  /** When its last frame came, in milliseconds of `turnNow`. */
  readonly seenAt: number;
  /** Milliseconds that its tasks took of late, on average, as it tells; 0 = not known. */
  readonly taskMs: number;
  /** Whether it runs chained tasks one after the other, as a worker of ours says. */
  readonly chains: boolean;
  /** Whether it reads what it is sent, so that there may be more of it. */
  readonly keepsUp: boolean;
  /** Whether so much waits to be sent to it that it gets nothing more until it has read. */
  readonly isFull: boolean;
  /** Whether no more tasks can be sent to it. */
  readonly closed: boolean;
  /** Sends it a task; one that cannot be sent ends it. */
  deliver(task: QueuedTask): void;
  /** Resolves when all that was sent to it is written, or it is closed. */
  drained(): Promise<void>;
  /** Makes it give the tasks of a client back that are chained and not begun. */
  recall(client: QueueClient): void;
  /** Makes it send a frame soon, if it lives and is a worker of ours. */
  askForLife(): void;
}

/** How a worker's link is named in what one process hands to another: by its number. */
export type LinkNo = (link: TaskHolder) => number;

/** The link of a number. */
export type LinkOf = (no: number) => TaskHolder;

/** One task from the moment it arrives until a worker has acknowledged it. */
export class QueuedTask implements Linked<QueuedTask> {
  /** The next task of the list it is in. */
  next: QueuedTask | null = null;
  /** The task before it. */
  prev: QueuedTask | null = null;
  /** For the queue: the list in which it waits for a worker. */
  list: LinkedList<QueuedTask> | null = null;
  /** For the queue: which of all that became ready it was. */
  readyNo = 0;
  /** The worker that holds it. */
  link: TaskHolder | null = null;
  /** How often it was handed to a worker. */
  deliveries = 0;
  /** How many workers were lost that may have been so because of it. */
  losses = 0;
  /** The id of the present delivery; see `Deliveries`. */
  deliveryId = 0;
  /** Whether the worker that holds it has answered the client, or counts as having done it. */
  answered = false;
  /** For the queue: whether it is ready, of a client that sends one at a time. */
  isLone = false;
  /** Which one of its chain it is, from 1; 0 where it was in none. */
  place = 0;
  /** Whether it is dropped when it is given back. */
  cleared = false;
  /** When it came, in milliseconds of `turnNow`. */
  readonly queuedAt: number = turnNow();
  /** When it was handed out last. */
  deliveredAt = 0;
  /** The step of the queue's clock at which it came, or came back. */
  bornStep = 0;

  /**
   * @param cmd The command that the worker sees.
   * @param body The frame, in bytes that nothing else writes to.
   * @param session The client, whose header it goes out with; null for a task that came from a
   * worker or trigger.
   * @param header For such a one, the header that it goes out with.
   */
  constructor(
    readonly cmd: number,
    readonly body: Uint8Array,
    readonly session: QueueClient | null,
    readonly header: Uint8Array = NO_HEADER,
  ) {}

  /** The bytes that it takes on the wire, which stand for its memory as well. */
  get bytes(): number {
    return TaskOffset.body + this.body.length;
  }

  /** Whether a client waits for an answer to it. */
  get isRequest(): boolean {
    return this.cmd === TaskCmd.CLIENT_REQ;
  }

  /** Whether somebody somewhere waits for an answer to it. */
  get isAwaited(): boolean {
    return this.isRequest;
  }

  /** Whether it is another gateway's, which counts it. */
  get isBorrowed(): boolean {
    return false;
  }

  /** Whether it tells that a client has come. */
  get isCreated(): boolean {
    return this.cmd === TaskCmd.CLIENT_CREATED;
  }

  /** Whether it tells that a client has come, or is gone. */
  get isNews(): boolean {
    return this.isCreated || this.cmd === TaskCmd.CLIENT_CLOSED;
  }

  /**
   * Writes the frame for a worker at `at`.
   *
   * @param isBare Without its body.
   */
  writeTo(buffer: Uint8Array, at: number, isBare: boolean): void {
    if (this.session) this.session.writeHeader(buffer, at);
    else buffer.set(this.header, at);
    const bytes = isBare ? TaskOffset.body : this.bytes;
    writeInt32(buffer, at + TaskOffset.packetLen, bytes);
    writeInt32(buffer, at + TaskOffset.cmd, this.cmd);
    const isAgain = this.deliveries > 1;
    writeDelivery(buffer, at, this.deliveryId, isAgain, this.place > 1);
    if (!isBare) buffer.set(this.body, at + TaskOffset.body);
  }

  /** The task that a worker or trigger sent for a worker. `frame` is copied. */
  static inner(frame: Uint8Array): QueuedTask {
    const own = frame.slice();
    addFlag(own, 0, TaskFlag.INNER);
    // The sender's own affair.
    removeFlag(own, 0, TaskFlag.RECEIPT_WANTED);
    return new QueuedTask(
      readInt32(own, TaskOffset.cmd),
      own.subarray(TaskOffset.body),
      null,
      own.subarray(0, TaskOffset.body),
    );
  }
}

const ITS_LIST = left("it is put into its list anew");

/** What of a task is handed to another process. */
export const TASK_FIELDS: FieldPlan<QueuedTask> = {
  cmd: "int",
  body: "bytes",
  header: "bytes",
  session: left("by its number"),
  next: ITS_LIST,
  prev: ITS_LIST,
  list: ITS_LIST,
  readyNo: "int",
  link: left("by its number"),
  deliveries: "int",
  losses: "int",
  deliveryId: "int",
  answered: "flag",
  isLone: "flag",
  place: "int",
  cleared: "flag",
  isAwaited: left("follows from cmd"),
  isBorrowed: left("by the gateway that it is of"),
  queuedAt: "time",
  deliveredAt: "time",
  bornStep: "int",
  bytes: left("follows from the body"),
  isRequest: left("follows from cmd"),
  isCreated: left("follows from cmd"),
  isNews: left("follows from cmd"),
};
