// FarSender: what stands here for the workers and triggers of another gateway, whose commands it
// has passed on.

import { Task, TaskOffset } from "@maple/box";
import {
  type Logger,
  readInt64,
  type Receipt,
  receiptFor,
  SMALL_BYTES,
} from "@maple/box/internal";
import type { Commands, Sender } from "../inner/sender.ts";
import { type Linked, LinkedList } from "../queue/linked_list.ts";
import type { TaskHolder } from "../queue/queued_task.ts";
import type { GatewayCounters } from "../metrics/counters.ts";
import type { Cluster } from "./cluster.ts";
import type { Member } from "./members.ts";

/** What {@linkcode FarSender} works with. */
export interface FarSenderOptions {
  /** What carries commands out. */
  readonly commands: Commands;
  /** What sends parts of receipts back. */
  readonly cluster: Pick<Cluster, "send">;
  /** What is counted. */
  readonly counters: Pick<GatewayCounters, "clusterDropped">;
  /** Bytes of commands that may wait, a small one counted as 512. Looked at each time. */
  readonly waitingBytes: () => number;
  /** Calls `work` when all others who have something to do have had their turn. */
  readonly afterOthers: (work: () => void) => void;
  /** As whom it holds tasks of here. */
  readonly holderOf: (member: Member) => TaskHolder | null;
  /** Where it logs to. */
  readonly logger: Logger;
}

// So many that have waited are carried out until others have their turn.
const SLICE = 64;

interface Waiting extends Linked<Waiting> {
  readonly frame: Uint8Array;
  readonly bytes: number;
}

/** What stands here for the workers and triggers of another gateway. */
export class FarSender implements Sender {
  readonly #member: Member;
  readonly #options: FarSenderOptions;
  #held = 0;
  readonly #waiting = new LinkedList<Waiting>();
  #waitingBytes = 0;
  // Whether others have their turn before it goes on.
  #rests = false;
  #hasTold = false;

  /** Nothing waits. */
  constructor(member: Member, options: FarSenderOptions) {
    this.#member = member;
    this.#options = options;
  }

  /** The gateway, for logs. */
  get name(): string {
    return `gateway ${this.#member.node}`;
  }

  /** As whom it holds tasks of here, where that has no workers. */
  get holder(): TaskHolder | null {
    return this.#options.holderOf(this.#member);
  }

  /** Bytes of the commands that wait, a small one counted as 512. */
  get waitingBytes(): number {
    return this.#waitingBytes;
  }

  /**
   * Carries out a command, in bytes of its own; while one before it is not done, it waits. Nobody
   * there can be held back, so what is too much is dropped.
   */
  take(frame: Uint8Array): void {
    if (this.#held === 0) return this.#run(frame);
    const { waitingBytes, counters, logger } = this.#options;
    const bytes = Math.max(SMALL_BYTES, frame.length);
    if (this.#waitingBytes + bytes > waitingBytes()) {
      counters.clusterDropped.waiting++;
      if (this.#hasTold) return;
      this.#hasTold = true;
      logger.warn(
        `commands that ${this.name} has passed on are dropped: ${this.#waitingBytes} bytes of them wait for messages to many before them (fanOutBytes); this is told once, and counted`,
      );
      return;
    }
    this.#waiting.pushBack({ frame, bytes, prev: null, next: null });
    this.#waitingBytes += bytes;
  }

  /** Commands that come wait from now on. */
  holdBack(): void {
    this.#held++;
  }

  /** They are carried out again, as far as the caller is concerned. */
  readOn(): void {
    if (--this.#held > 0) return;
    this.#runWaiting(SLICE);
    if (this.#waiting.size === 0 || this.#held > 0) return;
    this.holdBack();
    this.#rests = true;
    this.#options.afterOthers(() => this.#endRest());
  }

  /**
   * Carries out at once what waits and may be.
   *
   * @returns Whether any of it was.
   */
  finish(): boolean {
    if (this.#rests) this.#held--;
    this.#rests = false;
    const { size } = this.#waiting;
    this.#runWaiting(Infinity);
    return this.#waiting.size < size;
  }

  beginReceipt(): void {}
  endReceipt(): void {}

  /** Sends its part to the other gateway, where that has asked for it. */
  receive(frame: Uint8Array, receipt: Partial<Receipt>): void {
    if (readInt64(frame, TaskOffset.custom) === 0) return;
    const { node } = this.#member;
    this.#options.cluster.send(node, "part", receiptFor(frame, receipt));
  }

  /** The other gateway has done so: no task of here is in the chains of its workers. */
  confirm(): void {}

  // `finish` may have been faster.
  #endRest(): void {
    if (!this.#rests) return;
    this.#rests = false;
    this.readOn();
  }

  #runWaiting(most: number): void {
    for (let count = 0; count < most; count++) {
      if (this.#waiting.size === 0 || this.#held > 0) return;
      const { frame, bytes } = this.#waiting.shift()!;
      this.#waitingBytes -= bytes;
      this.#run(frame);
    }
  }

  #run(frame: Uint8Array): void {
    const { commands, counters } = this.#options;
    const isWhole = frame.length > 0 &&
      Task.frameLength(frame, 0, frame.length) === frame.length;
    if (!isWhole || !commands.run(this, frame)) counters.clusterDropped.bad++;
  }
}
