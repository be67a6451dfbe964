// Dispatcher: brings waiting tasks and asking workers together: "I ask, then you give; I don't ask,
// you don't give".

import { turnNow } from "@maple/box/internal";
import { AskingLinks } from "./asking_links.ts";
import { Deliveries } from "./deliveries.ts";
import type { QueueClient, QueuedTask, TaskHolder } from "./queued_task.ts";
import { Quarantine } from "./quarantine.ts";
import type { TaskQueue } from "./task_queue.ts";

/** Settings of a {@linkcode Dispatcher}. */
export interface DispatcherOptions {
  /** Tasks that one link may have asked for at a time. */
  readonly creditsMax: number;
  /** How often a task is handed out at most. */
  readonly maxDeliveries: number;
  /** The same where the worker is one of the original system. */
  readonly originalMaxDeliveries: number;
  /** Called when a task is handed out. */
  readonly onDelivered?: (task: QueuedTask) => void;
  /** Called when a worker has acknowledged a task, before `onFinished`. */
  readonly onAcknowledged?: (task: QueuedTask) => void;
  /** Called when a task is finished: acknowledged, or given up because its workers were lost. */
  readonly onFinished: (task: QueuedTask, lost: boolean) => void;
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
  }

  /** How many tasks workers hold. */
  get inHand(): number {
    return this.#deliveries.size;
  }

  /** How many tasks the workers have asked for that were not there yet. */
  get idleCredits(): number {
    return this.#asking.credits;
  }

  /** Adds a task and hands it out at once if a worker asks for one. */
  submit(task: QueuedTask): void {
    this.#queue.push(task);
    if (this.#queue.returned > 0) this.#quarantine.makeRoom();
    this.pump();
  }

  /** A worker acknowledges a task: by its delivery id, or the oldest that it holds. */
  acknowledge(link: TaskHolder, deliveryId: number | "oldest"): void {
    const task = deliveryId === "oldest"
      ? link.inHand.first
      : this.#deliveries.get(deliveryId);
    if (task?.link !== link) return;
    this.#takeBack(task, link);
    this.acknowledged++;
    link.done++;
    this.#options.onAcknowledged?.(task);
    this.#finish(task, false);
    if (link.parked) this.#quarantine.finished(link, task);
  }

  /**
   * A worker has answered a client. The task is not handed out again when the worker is lost before
   * it acknowledges, or the client would be answered twice.
   *
   * @param deliveryId Which task: a worker of ours tells. An original worker, which leaves without
   * acknowledging its last task, gives 0: it is the oldest of that client that it holds.
   */
  answered(link: TaskHolder, session: QueueClient, deliveryId: number): void {
    if (deliveryId > 0) {
      const task = this.#deliveries.get(deliveryId);
      if (task?.link === link && task.session === session) task.answered = true;
      return;
    }
    if (link.acknowledgesById) return;
    for (const task of link.inHand) {
      if (task.session !== session || task.answered || !task.isRequest) {
        continue;
      }
      task.answered = true;
      return;
    }
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
      this.#takeBack(task, link);
      task.answered ||= !byId && !task.isRequest;
      // What was sent in this very turn went to a connection that was gone: nobody has seen it.
      const isSeen = task.deliveredAt !== now;
      if (isSeen && (!suspect || task === suspect)) task.losses++;
      const isOver = task.answered || task.losses >= most || most === 1;
      (isOver ? finished : again).push(task);
    }
    lost.again = again.length;
    for (const task of finished) {
      if (task.answered) lost.done++;
      else lost.givenUp++;
      this.#finish(task, !task.answered);
    }
    this.givenUp += lost.givenUp;
    if (again.length > 0) this.#quarantine.add(again);
    this.pump();
    return lost;
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
    while (this.#queue.hasNext && !this.#deliveries.isFull) {
      const link = this.#asking.next(turnNow());
      if (!link) break;
      this.#deliver(this.#queue.next()!, link);
    }
    this.#pumping = false;
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
    task.link = link;
    task.deliveredAt = turnNow();
    task.deliveries++;
    link.inHand.pushBack(task);
    this.#asking.update(link);
    this.delivered++;
    if (task.deliveries > 1) this.redelivered++;
    this.#options.onDelivered?.(task);
    link.deliver(task);
  }

  #takeBack(task: QueuedTask, link: TaskHolder): void {
    this.#deliveries.delete(task);
    link.inHand.remove(task);
    this.#asking.update(link);
    task.link = null;
  }

  #finish(task: QueuedTask, lost: boolean): void {
    this.#queue.finish(task);
    this.#options.onFinished(task, lost);
  }
}
