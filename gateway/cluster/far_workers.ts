// FarWorkers: the workers of another gateway, which stand here for one that works on several tasks.

import { TaskOffset } from "@maple/box";
import { type FieldPlan, left, turnNow } from "@maple/box/internal";
import { LinkedList } from "../queue/linked_list.ts";
import type { QueuedTask, TaskHolder } from "../queue/queued_task.ts";
import type { Member } from "./members.ts";

/** The workers of another gateway. */
export class FarWorkers implements TaskHolder {
  next: TaskHolder | null = null;
  prev: TaskHolder | null = null;
  credits = 0;
  rank = 0;
  parked = false;
  counted = false;
  withdrawn = false;
  done = 0;
  closed = false;
  readonly inHand: LinkedList<QueuedTask> = new LinkedList();
  /** What is said of original workers holds for them: that they answer tells which task it was. */
  readonly acknowledgesById = false;
  seenAt: number = turnNow();
  readonly taskMs = 0;
  readonly chains = false;
  readonly keepsUp = true;
  readonly isFull = false;
  /** Until when they get nothing, since they have given something back; by `turnNow`. */
  restsUntil = 0;
  /** Whose they are. */
  readonly member: Member;
  readonly #send: (node: number, frame: Uint8Array) => boolean;
  readonly #onUnsent: (task: QueuedTask) => void;
  // Those that could not be sent, with the id of their delivery.
  readonly #unsent = new Map<QueuedTask, number>();

  /**
   * @param member Whose they are.
   * @param send Sends a task there.
   * @param onUnsent Called, later, with a task that could not be sent.
   */
  constructor(
    member: Member,
    send: (node: number, frame: Uint8Array) => boolean,
    onUnsent: (task: QueuedTask) => void,
  ) {
    this.member = member;
    this.#send = send;
    this.#onUnsent = onUnsent;
  }

  deliver(task: QueuedTask): void {
    // The workers are original ones, or soon attached here as well.
    const isBare = task.isNews;
    const frame = new Uint8Array(isBare ? TaskOffset.body : task.bytes);
    task.writeTo(frame, 0, isBare);
    if (this.#send(this.member.node, frame)) return;
    this.#unsent.set(task, task.deliveryId);
    if (this.#unsent.size === 1) setTimeout(() => this.giveUnsentBack(), 0);
  }

  /** Gives back now what could not be sent. */
  giveUnsentBack(): void {
    const unsent = [...this.#unsent];
    this.#unsent.clear();
    for (const [task, deliveryId] of unsent) {
      if (task.link === this && task.deliveryId === deliveryId) {
        this.#onUnsent(task);
      }
    }
  }

  drained(): Promise<void> {
    return Promise.resolve();
  }

  recall(): void {}
  askForLife(): void {}
}

const ALWAYS = left("the same for all of them");

/** What of them is handed to another process. */
export const FAR_FIELDS: FieldPlan<FarWorkers> = {
  next: left("they are put among those that ask anew"),
  prev: left("they are put among those that ask anew"),
  credits: "int",
  rank: "int",
  parked: "flag",
  counted: "flag",
  withdrawn: "flag",
  done: "int",
  closed: "flag",
  inHand: left("the tasks tell"),
  acknowledgesById: ALWAYS,
  seenAt: "time",
  taskMs: ALWAYS,
  chains: ALWAYS,
  keepsUp: ALWAYS,
  isFull: ALWAYS,
  restsUntil: "time",
  member: left("by its id"),
};

/** What is handed over beside them. */
export const FAR_MORE = { member: "int" } as const;
