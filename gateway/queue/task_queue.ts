// TaskQueue: the tasks that wait for a worker, first come first served, in each client's order,
// bounded.

import { Gate } from "@maple/box/internal";
import { LinkedList } from "./linked_list.ts";
import type { QueueClient, QueuedTask } from "./queued_task.ts";

/**
 * In which order the frames of one client are handed out: `client`, one at a time, the next when
 * the one before is acknowledged; `none`, any idle worker takes any frame.
 */
export type TaskOrder = "client" | "none";

/** Settings of a {@linkcode TaskQueue}. */
export interface TaskQueueOptions {
  /** Whether a client's tasks are handed out one at a time. */
  readonly order: TaskOrder;
  /** Tasks at which it is full. */
  readonly queueMax: number;
  /** Bytes at which it is full. */
  readonly queueBytes: number;
}

// Once full, this share of it must be left before anybody is read from again, so that not every
// single task opens and shuts the gate.
const ROOM_SHARE = 0.75;

/** The tasks that wait for a worker. */
export class TaskQueue {
  /** Shut while the queue is full: those who bring tasks wait at it. */
  readonly gate: Gate = new Gate();
  /** How often it was full of tasks, and of bytes. */
  readonly stops = { tasks: 0, bytes: 0 };
  readonly #options: TaskQueueOptions;
  readonly #ready = new LinkedList<QueuedTask>();
  readonly #returned = new LinkedList<QueuedTask>();
  #step = 0;
  #size = 0;
  #bytes = 0;
  #peak = 0;

  /** @param options Order and limits. */
  constructor(options: TaskQueueOptions) {
    this.#options = options;
  }

  /** How many tasks wait. */
  get size(): number {
    return this.#size;
  }

  /** How many tasks have waited at most. */
  get peak(): number {
    return this.#peak;
  }

  /**
   * When the task came that is the next to be handed out, in milliseconds of `turnNow`; undefined
   * when none waits.
   */
  get oldestAt(): number | undefined {
    return (this.#returned.first ?? this.#ready.first)?.queuedAt;
  }

  /** How many bytes the waiting tasks take. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Adds a task at the end; behind the tasks of its client, where these are in order. */
  push(task: QueuedTask): void {
    task.bornStep = this.#step;
    const session = task.session;
    if (session && this.#options.order === "client") {
      if (session.busy) session.behind.pushBack(task);
      else {
        session.busy = true;
        this.#ready.pushBack(task);
      }
    } else {
      this.#ready.pushBack(task);
    }
    this.#count(1, task.bytes);
  }

  /** Adds tasks that came back from a lost worker: they wait apart, before all others. */
  putBack(tasks: readonly QueuedTask[]): void {
    for (const task of tasks) {
      task.bornStep = this.#step;
      this.#returned.pushBack(task);
      this.#count(1, task.bytes);
    }
  }

  /** How many tasks wait that came back. */
  get returned(): number {
    return this.#returned.size;
  }

  /** Takes out the one that came back first; null when there is none. */
  nextReturned(): QueuedTask | null {
    const task = this.#returned.shift();
    if (task) this.#count(-1, -task.bytes);
    return task;
  }

  /** Takes the next task out; null when none is ready. */
  next(): QueuedTask | null {
    const task = this.#ready.shift();
    if (!task) return null;
    this.#count(-1, -task.bytes);
    return task;
  }

  /** Whether a task is ready. */
  get hasNext(): boolean {
    return this.#ready.size > 0;
  }

  /** Tells that a task that was taken out is finished: the next one of its client becomes ready. */
  finish(task: QueuedTask): void {
    const session = task.session;
    if (!session || this.#options.order !== "client") return;
    const following = session.behind.shift();
    if (following) this.#ready.pushBack(following);
    else session.busy = false;
  }

  /** Takes the waiting tasks of a client out that `which` chooses. */
  remove(
    session: QueueClient,
    which: (task: QueuedTask) => boolean,
  ): QueuedTask[] {
    const removed: QueuedTask[] = [];
    for (const task of session.behind) {
      if (!which(task)) continue;
      session.behind.remove(task);
      removed.push(task);
    }
    for (const list of [this.#returned, this.#ready]) {
      for (const task of list) {
        if (task.session !== session || !which(task)) continue;
        list.remove(task);
        removed.push(task);
        this.finish(task);
      }
    }
    for (const task of removed) this.#count(-1, -task.bytes);
    return removed;
  }

  /**
   * Lets the queue's clock go on by one step and takes out what has waited for more than so many,
   * but no news of clients coming and going. What waits behind a task in a worker's hands stays,
   * for its client's answers to be in order.
   */
  expire(steps: number): QueuedTask[] {
    const oldest = ++this.#step - steps;
    const isOld = (task: QueuedTask) =>
      task.bornStep < oldest && task.canExpire;
    const expired: QueuedTask[] = [];
    for (const list of [this.#returned, this.#ready]) {
      for (const task of list) {
        if (isOld(task)) {
          list.remove(task);
          expired.push(task);
          this.finish(task);
          continue;
        }
        // The news of its coming goes before a client's requests, and waits for ever.
        for (const behind of task.session?.behind ?? []) {
          if (!isOld(behind)) continue;
          task.session!.behind.remove(behind);
          expired.push(behind);
        }
      }
    }
    for (const task of expired) this.#count(-1, -task.bytes);
    return expired;
  }

  #stop(isFull: boolean): void {
    if (!this.gate.isOpen) return;
    this.stops[isFull ? "tasks" : "bytes"]++;
    this.gate.shut();
  }

  #count(tasks: number, bytes: number): void {
    this.#size += tasks;
    this.#bytes += bytes;
    if (this.#size > this.#peak) this.#peak = this.#size;
    const { queueMax, queueBytes } = this.#options;
    const isFull = this.#size >= queueMax;
    if (isFull || this.#bytes >= queueBytes) this.#stop(isFull);
    else if (
      !this.gate.isOpen && this.#size <= queueMax * ROOM_SHARE &&
      this.#bytes <= queueBytes * ROOM_SHARE
    ) this.gate.open();
  }
}
