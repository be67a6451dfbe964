// Dispatcher: brings waiting tasks and asking workers together: "I ask, then you give; I don't ask,
// you don't give".

import { RET } from "@maple/box";
import { turnNow } from "@maple/box/internal";
import { AskingLinks, type AskingPiece } from "./asking_links.ts";
import { type ChainCounts, Chains, type ChainsPiece } from "./chains.ts";
import { Deliveries } from "./deliveries.ts";
import type {
  LinkNo,
  QueueClient,
  QueuedTask,
  TaskHolder,
} from "./queued_task.ts";
import { Quarantine, type QuarantinePiece } from "./quarantine.ts";
import type { TaskQueue } from "./task_queue.ts";

/** Settings of a {@linkcode Dispatcher}. */
export interface DispatcherOptions {
  /** Tasks that one link may have asked for at a time. */
  readonly creditsMax: number;
  /** How often a task is handed out at most. */
  readonly maxDeliveries: number;
  /** The same where the worker is one of the original system. */
  readonly originalMaxDeliveries: number;
  /**
   * With order "client", how many tasks of a client a worker gets in a row while others send one at
   * a time; 1 = one at a time. @default {1}
   */
  readonly chainMax?: number;
  /** Called when a task is handed out. */
  readonly onDelivered?: (task: QueuedTask) => void;
  /** Called when a worker has acknowledged a task, before `onFinished`. */
  readonly onAcknowledged?: (task: QueuedTask) => void;
  /**
   * Called when a task is finished, and its client knows: acknowledged, or given up because its
   * workers were lost.
   */
  readonly onFinished: (task: QueuedTask, lost: boolean) => void;
  /** Called when a task that was cleared comes back from its worker, before `onFinished`. */
  readonly onCleared?: (task: QueuedTask) => void;
}

/** What one process tells another of its dispatcher, beside the tasks. */
export interface DispatcherPiece {
  /** What has become of tasks so far. */
  readonly counts: Pick<
    Dispatcher,
    "delivered" | "acknowledged" | "redelivered" | "givenUp"
  >;
  /** See `Deliveries`. */
  readonly lastDelivery: number;
  /** See `AskingLinks`. */
  readonly asking: AskingPiece;
  /** See `Quarantine`. */
  readonly quarantine: QuarantinePiece;
  /** See `Chains`; null where there are none. */
  readonly chains: ChainsPiece | null;
}

/** What became of the tasks that a lost worker held. */
export interface LostTasks {
  /** So many are handed out again. */
  again: number;
  /** So many are given up, since they were handed out often enough. */
  givenUp: number;
  /** So many are done. */
  done: number;
  /** The one of them that it held alone, after another worker was lost with it. */
  suspect: QueuedTask | null;
}

/** Brings waiting tasks and asking workers together. */
export class Dispatcher {
  /** Tasks handed out, deliveries after the first included. */
  delivered = 0;
  /** Tasks that workers acknowledged. */
  acknowledged = 0;
  /** Tasks handed out again. */
  redelivered = 0;
  /** Tasks given up, since their workers were lost. */
  givenUp = 0;
  readonly #deliveries = new Deliveries();
  readonly #queue: TaskQueue;
  readonly #options: DispatcherOptions;
  readonly #asking = new AskingLinks();
  readonly #quarantine: Quarantine;
  // Null where there are none: order "none" must not enter any of it.
  readonly #chains: Chains | null;
  #pumping = false;

  /** @param queue Where the tasks wait. */
  constructor(queue: TaskQueue, options: DispatcherOptions) {
    this.#queue = queue;
    this.#options = options;
    this.#quarantine = new Quarantine(queue, this.#asking, {
      canDeliver: () => !this.#deliveries.isFull,
      deliver: (task, link) => this.#deliver(task, link),
      onTick: () => this.pump(),
    });
    // Where a task may be handed out only once, all that is in the hands of a worker that is lost
    // is given up: so there is one of each client.
    const { chainMax = 1, maxDeliveries } = options;
    const runsChains = queue.order === "client" && chainMax > 1 &&
      maxDeliveries > 1;
    this.#chains = !runsChains ? null : new Chains(queue, {
      chainMax,
      canDeliver: () => !this.#deliveries.isFull,
      deliver: (task, link) => this.#deliver(task, link),
    });
  }

  /** How many tasks workers hold. */
  get inHand(): number {
    return this.#deliveries.size;
  }

  /** Whether further tasks of a client are given to a worker that holds one. */
  get runsChains(): boolean {
    return this.#chains !== null;
  }

  /** What has become of chains so far; undefined where there are none. */
  get chainCounts(): Readonly<ChainCounts> | undefined {
    return this.#chains?.counts;
  }

  /** How many clients have more than one task in a worker's hands. */
  get chains(): number {
    return this.#chains?.size ?? 0;
  }

  /** How many tasks the workers have asked for that were not there yet. */
  get idleCredits(): number {
    return this.#asking.credits;
  }

  /** Adds a task and hands it out at once if a worker asks for one. */
  submit(task: QueuedTask): void {
    this.#queue.push(task);
    if (this.#queue.returned > 0) this.#quarantine.makeRoom();
    const { session } = task;
    // Behind a task that a worker holds: nobody else can get it now.
    if (session && session.chain > 0) this.#chains!.extend(session);
    else this.pump();
  }

  /**
   * A worker acknowledges a task: by its delivery id, or the oldest that it holds.
   *
   * @param unrun Whether it gives the task back, which was chained and has not been begun.
   * @returns Whether this gives a credit back: not while it holds more of the same client.
   */
  acknowledge(
    link: TaskHolder,
    deliveryId: number | "oldest",
    unrun = false,
  ): boolean {
    const task = deliveryId === "oldest"
      ? link.inHand.first
      : this.#deliveries.get(deliveryId);
    if (task?.link !== link) return true;
    this.#takeBack(task, link);
    const { session } = task;
    const isEmpty = !session || session.chain === 0;
    if (unrun && task.place > 1) this.#giveBack(task);
    else {
      if (!task.isBorrowed) this.acknowledged++;
      link.done++;
      this.#options.onAcknowledged?.(task);
      this.#finish(task, false);
    }
    if (link.parked) this.#quarantine.finished(link, task);
    if (!isEmpty) this.#chains!.extend(session);
    return isEmpty;
  }

  /** A holder gives a task back that it has not begun: it is handed out as if it had not been. */
  giveBack(link: TaskHolder, deliveryId: number): void {
    const task = this.#deliveries.get(deliveryId);
    if (task?.link !== link) return;
    this.#takeBack(task, link);
    task.deliveries--;
    this.#quarantine.add([task]);
    this.pump();
  }

  /** The workers behind a holder were lost with a task often enough. */
  giveUp(link: TaskHolder, deliveryId: number): void {
    const task = this.#deliveries.get(deliveryId);
    if (task?.link !== link) return;
    this.#takeBack(task, link);
    this.givenUp++;
    this.#finish(task, true);
  }

  /**
   * What a client's next tasks are has changed: those that a worker holds and has not begun are
   * handed out anew, as they are then.
   */
  recall(session: QueueClient): void {
    this.#chains?.recall(session);
  }

  /** The same for all requests that have waited for more than so many steps. */
  recallOld(steps: number): void {
    if (this.chains === 0) return;
    for (const task of this.#deliveries) {
      const { place, session } = task;
      // What has ended came back before, or does so.
      const isDue = place > 1 && session!.given > 0;
      if (isDue && this.#queue.isOld(task, steps)) this.recall(session!);
    }
  }

  /** What of a client's requests workers hold and have not begun is dropped. */
  clear(session: QueueClient): void {
    this.#chains?.clear(session);
  }

  /** A client is gone: so may be its requests, and what is left goes one by one. */
  left(session: QueueClient): void {
    if (session.dropped) this.#chains?.recall(session);
    else this.#chains?.end(session);
  }

  /**
   * A client was answered. The task is not handed out again when its worker is lost before it
   * acknowledges, or the client would be answered twice.
   *
   * @param link Who has answered; null where it has come through another gateway.
   * @param deliveryId Which task; 0 where that is not told.
   */
  answered(
    link: TaskHolder | null,
    session: QueueClient,
    deliveryId: number,
  ): void {
    const task = this.#deliveries.answeredBy(link, session, deliveryId);
    if (task) task.answered = true;
  }

  /**
   * A worker asks for one more task. Call {@linkcode Dispatcher.pump} after it.
   *
   * @returns false when it is ignored, since the worker has asked for as many as it may.
   */
  ask(link: TaskHolder): boolean {
    if (link.withdrawn || link.closed) return true;
    if (link.credits >= this.#options.creditsMax) return false;
    if (!link.counted) {
      link.counted = true;
      this.#quarantine.joined();
    }
    this.#asking.add(link);
    if (this.#queue.returned > 0) this.#quarantine.asked(link);
    return true;
  }

  /**
   * A worker takes back what it has asked for and asks for no more; from now on its asks only
   * acknowledge.
   */
  withdraw(link: TaskHolder): void {
    link.withdrawn = true;
    this.#leave(link);
  }

  /**
   * A worker's connection is gone: what it held is handed out again, each task alone, or given up.
   * Of the tasks of one client only the first goes alone and is held against it. The others count
   * as not handed out, but are flagged, since they may have been run, and go one by one after it.
   *
   * An original worker that is stopped finishes what it holds and leaves without a word, as one
   * does that is killed. So of its tasks only the requests that it has not answered are handed out
   * again; what nobody waits for counts as done.
   */
  lost(link: TaskHolder): LostTasks {
    const suspect = this.#leave(link);
    const lost: LostTasks = { again: 0, givenUp: 0, done: 0, suspect };
    if (link.inHand.size === 0) return lost;
    const { maxDeliveries, originalMaxDeliveries } = this.#options;
    const byId = link.acknowledgesById;
    const most = byId ? maxDeliveries : originalMaxDeliveries;
    const now = turnNow();
    const again: QueuedTask[] = [];
    const finished: QueuedTask[] = [];
    for (const task of link.inHand) {
      const isFirst = this.#chains?.isFirstLost(task) ?? true;
      this.#takeBack(task, link);
      task.answered ||= !byId && !task.isAwaited;
      if (task.cleared && !isFirst) {
        task.answered = true;
        this.#options.onCleared?.(task);
      }
      // What was sent in this very turn went to a connection that was gone: nobody has seen it.
      const isSeen = task.deliveredAt !== now;
      if (isSeen && isFirst && (!suspect || task === suspect)) task.losses++;
      const isOver = task.answered || task.losses >= most || most === 1;
      if (isOver) finished.push(task);
      else {
        lost.again++;
        if (this.#chains?.isFront(task) ?? true) again.push(task);
        else this.#queue.giveBack(task);
      }
    }
    for (const task of finished) {
      if (task.answered) lost.done++;
      else lost.givenUp++;
      // Others of its client that came back are next.
      if (this.#chains && task.session?.front) {
        this.#tell(task, !task.answered);
      } else this.#finish(task, !task.answered);
    }
    this.givenUp += lost.givenUp;
    if (again.length > 0) this.#quarantine.add(again);
    this.pump();
    return lost;
  }

  /** The tasks that workers hold. */
  held(): Iterable<QueuedTask> {
    return this.#deliveries;
  }

  /** What is known beside the tasks, for another process. */
  give(noOf: LinkNo): DispatcherPiece {
    const { delivered, acknowledged, redelivered, givenUp } = this;
    return {
      counts: { delivered, acknowledged, redelivered, givenUp },
      lastDelivery: this.#deliveries.give(),
      asking: this.#asking.give(noOf),
      quarantine: this.#quarantine.give(noOf),
      chains: this.#chains?.give() ?? null,
    };
  }

  /** Takes a task that a worker holds, from another process. */
  retake(task: QueuedTask, link: TaskHolder): void {
    task.link = link;
    this.#deliveries.retake(task);
    link.inHand.pushBack(task);
  }

  /** Takes what `give` has told, after all tasks. */
  takeOver(
    piece: DispatcherPiece,
    { links, shift }: {
      readonly links: readonly TaskHolder[];
      readonly shift: number;
    },
  ): void {
    Object.assign(this, piece.counts);
    this.#deliveries.takeOver(piece.lastDelivery);
    const linkOf = (no: number) => links[no]!;
    const taskOf = (id: number) => this.#deliveries.get(id);
    this.#asking.takeOver(piece.asking, linkOf, shift);
    this.#quarantine.takeOver(piece.quarantine, { linkOf, taskOf, shift });
    if (piece.chains) this.#chains?.takeOver(piece.chains, shift);
    for (const link of links) {
      if (link.parked && !this.#quarantine.keeps(link)) {
        this.#unparkWhenRead(link);
      }
    }
  }

  /** Hands out nothing again any more. */
  close(): void {
    this.#quarantine.close();
  }

  /** Hands out tasks while there are tasks and workers that ask. */
  pump(): void {
    // A delivery that fails closes its link, which comes back here.
    if (this.#pumping) return;
    this.#pumping = true;
    while (this.#asking.credits > 0 && !this.#deliveries.isFull) {
      const task = this.#queue.next();
      if (!task) break;
      const { session } = task;
      const link = this.#asking.next(turnNow())!;
      this.#deliver(task, link);
      // Where it could be sent.
      if (session?.behind.first && session.chain > 0) {
        this.#chains!.extend(session);
      }
      if (link.isFull) this.#pause(link);
    }
    this.#pumping = false;
  }

  // A link gets no more tasks until it has read those that it has.
  #pause(link: TaskHolder): void {
    this.#asking.park(link);
    this.#unparkWhenRead(link);
  }

  #unparkWhenRead(link: TaskHolder): void {
    link.drained().then(() => {
      // One that has left meanwhile is not parked any more.
      if (!link.parked) return;
      this.#asking.unpark(link);
      this.pump();
    });
  }

  // A link gets nothing any more. Answers the task that it was alone with.
  #leave(link: TaskHolder): QueuedTask | null {
    this.#asking.remove(link);
    if (!link.counted) return null;
    link.counted = false;
    return this.#quarantine.left(link);
  }

  #deliver(task: QueuedTask, link: TaskHolder): void {
    this.#deliveries.add(task);
    this.#chains?.add(task, link);
    task.link = link;
    task.deliveredAt = turnNow();
    task.deliveries++;
    link.inHand.pushBack(task);
    this.#asking.update(link);
    if (!task.isBorrowed) this.delivered++;
    if (task.deliveries > 1) this.redelivered++;
    this.#options.onDelivered?.(task);
    link.deliver(task);
  }

  #takeBack(task: QueuedTask, link: TaskHolder): void {
    this.#deliveries.delete(task);
    link.inHand.remove(task);
    this.#asking.update(link);
    task.link = null;
    this.#chains?.take(task);
  }

  // A worker has not begun a chained task, so it was not delivered.
  #giveBack(task: QueuedTask): void {
    const chains = this.#chains!;
    chains.counts.givenBack++;
    chains.end(task.session!);
    task.deliveries--;
    if (task.cleared) {
      this.#options.onCleared?.(task);
      this.#finish(task, false);
      return;
    }
    this.#queue.giveBack(task);
    this.#queue.finish(task);
  }

  #finish(task: QueuedTask, lost: boolean): void {
    this.#queue.finish(task);
    this.#tell(task, lost);
  }

  #tell(task: QueuedTask, lost: boolean): void {
    const { session } = task;
    if (session && task.isRequest) {
      if (lost) session.refuse(task.body, RET.WORKER_LOST);
      session.requestDone();
    }
    this.#options.onFinished(task, lost);
  }
}
