// TaskQueue: the tasks that wait for a worker, first come first served, but one of each client at a
// time; bounded.

import type { Gate } from "@maple/box/internal";
import type { QueueClient, QueuedTask } from "./queued_task.ts";
import { type ReadyPiece, ReadyTasks } from "./ready_tasks.ts";
import { Room, type RoomOptions, type RoomPiece } from "./room.ts";

/**
 * In which order the frames of one client are handed out: `client`, one at a time, the next when
 * the one before is acknowledged; `none`, any idle worker takes any frame.
 */
export type TaskOrder = "client" | "none";

/**
 * What is done with the waiting requests of a client that is gone: `yield`, they are run, but
 * dropped when others need the room; `run`, they are run in any case; `drop`, they are dropped.
 */
export type GoneRequests = "yield" | "run" | "drop";

/** Settings of a {@linkcode TaskQueue}. */
export interface TaskQueueOptions extends RoomOptions {
  /** Whether a client's tasks are handed out one at a time. */
  readonly order: TaskOrder;
  /** What is done with the requests of clients that are gone. */
  readonly goneRequests: GoneRequests;
  /** Called when a request is dropped because its client is gone. */
  readonly onDropped?: (task: QueuedTask) => void;
}

/** What one process tells another of its queue, beside the tasks. */
export interface QueuePiece extends ReadyPiece {
  /** The queue's clock. */
  readonly step: number;
  /** Its room. */
  readonly room: RoomPiece;
}

/** Where a task waits: before all others, to be handed out, or behind another of its client. */
export type WaitsIn = "returned" | "ready" | "behind";

/** The tasks that wait for a worker. */
export class TaskQueue {
  /** How much of it is taken, and by whom. */
  readonly room: Room;
  readonly #options: TaskQueueOptions;
  readonly #ready = new ReadyTasks();
  #step = 0;

  /** @param options Order and limits. */
  constructor(options: TaskQueueOptions) {
    this.#options = options;
    this.room = new Room(options);
  }

  /** In which order the tasks of one client are handed out. */
  get order(): TaskOrder {
    return this.#options.order;
  }

  /** Shut while it is full: those who bring tasks and can wait do so at it. */
  get gate(): Gate {
    return this.room.gate;
  }

  /** How many tasks wait. */
  get size(): number {
    return this.room.size;
  }

  /** How many tasks have waited at most. */
  get peak(): number {
    return this.room.peak;
  }

  /**
   * When the task came that is the next to be handed out, in milliseconds of `turnNow`; undefined
   * when none waits.
   */
  get oldestAt(): number | undefined {
    return this.#ready.oldestAt;
  }

  /** How many bytes the waiting tasks take. */
  get bytes(): number {
    return this.room.bytes;
  }

  /** Adds a task at the end; behind the tasks of its client, of which one is ready at a time. */
  push(task: QueuedTask): void {
    task.bornStep = this.#step;
    const session = task.session;
    if (task.isNews) session![task.isCreated ? "created" : "closed"] = task;
    if (session?.front) {
      session.behind.pushBack(task);
      this.#ready.notLone(session.front);
    } else {
      if (session) session.front = task;
      this.#ready.add(task);
    }
    this.room.add(task);
    if (!this.gate.isOpen && this.room.gone.size > 0) this.#yield();
  }

  /** Adds tasks that came back from a lost worker: they wait apart, before all others. */
  putBack(tasks: readonly QueuedTask[]): void {
    for (const task of tasks) {
      if (task.isRequest && task.session!.dropped) {
        this.finish(task);
        this.#options.onDropped?.(task);
        continue;
      }
      task.bornStep = this.#step;
      this.#ready.addReturned(task);
      this.room.add(task);
    }
  }

  /** How many tasks wait that came back. */
  get returned(): number {
    return this.#ready.returned.size;
  }

  /** Takes out the one that came back first; null when there is none. */
  nextReturned(): QueuedTask | null {
    return this.#taken(this.#ready.nextReturned());
  }

  /**
   * Takes the next task out; null when none is ready. It is the one that became ready first; but
   * while clients wait, of what triggers and workers have sent never two in a row.
   */
  next(): QueuedTask | null {
    const task = this.#taken(this.#ready.next());
    const session = task?.session;
    if (!session) return task;
    // The news of its coming is its first task.
    if (session.created) session.created = null;
    if (this.#options.order === "none") this.#advance(session);
    return task;
  }

  /** Takes the first task out that waits behind its client's front, and makes it the front. */
  nextBehind(session: QueueClient): void {
    const task = session.behind.shift()!;
    session.front = task;
    this.room.take(task);
  }

  /**
   * Puts a chained task back that no worker is known to have begun: before those that wait behind
   * its client's front and have never been in a chain, in the chain's order.
   */
  giveBack(task: QueuedTask): void {
    const { behind, dropped } = task.session!;
    if (dropped) {
      this.#options.onDropped?.(task);
      return;
    }
    let following = behind.first;
    while (following && following.place > 0 && following.place < task.place) {
      following = following.next;
    }
    if (task.deliveries > 0) task.bornStep = this.#step;
    behind.insertBefore(task, following);
    this.room.add(task);
  }

  /** Whether a task has waited for more than so many steps of the queue's clock. */
  isOld(task: QueuedTask, steps: number): boolean {
    return task.bornStep < this.#step - steps;
  }

  /** Whether a task is ready. */
  get hasNext(): boolean {
    return this.#ready.hasNext;
  }

  /** Whether a task is ready whose client has sent no other that waits. */
  get hasLone(): boolean {
    return this.#ready.hasLone;
  }

  /**
   * Tells that a task that was taken out is finished: with order "client" the next one of its
   * client becomes ready, where a worker holds none.
   */
  finish(task: QueuedTask): void {
    const { session } = task;
    if (!session || session.chain > 0) return;
    // With order "none" the next one became so when this was taken out.
    const isNext = this.order === "client" || session.front === task;
    if (isNext) this.#advance(session);
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
      this.room.take(task);
      removed.push(task);
    }
    for (const tasks of [[session.front], this.#ready.returned]) {
      for (const task of tasks) {
        if (task?.session !== session || !task.list || !which(task)) continue;
        this.#takeOut(task);
        removed.push(task);
      }
    }
    return removed;
  }

  /** Takes out the waiting tasks of other gateways that `which` chooses. */
  removeBorrowed(which: (task: QueuedTask) => boolean): QueuedTask[] {
    const removed: QueuedTask[] = [];
    for (const task of this.#ready) {
      if (!task.isBorrowed || !which(task)) continue;
      this.#takeOut(task);
      removed.push(task);
    }
    return removed;
  }

  /**
   * A client has ended its sending, and is gone as far as one can tell: its requests that wait may
   * be dropped.
   */
  retire(session: QueueClient): void {
    const { goneRequests } = this.#options;
    const isScarce = this.room.heldBack > 0 || !this.gate.isOpen;
    this.room.leave(session);
    const isDropping = goneRequests === "drop" ||
      (goneRequests === "yield" && isScarce);
    if (isDropping && !session.dropped) this.#dropOf(session);
  }

  /**
   * A client is gone. Where no worker was told that it came and nothing of it is left, none needs
   * to be told that it is gone: the news of its coming is taken out.
   *
   * @returns Whether a worker must be told.
   */
  leave(session: QueueClient): boolean {
    this.retire(session);
    const { created } = session;
    if (!created || session.waiting > 0) return true;
    this.#takeOut(created);
    session.created = null;
    return false;
  }

  /**
   * Lets the queue's clock go on by one step and takes out what has waited for more than so many,
   * but no news of clients coming and going. What waits behind a task in a worker's hands stays,
   * for its client's answers to be in order.
   */
  expire(steps: number): QueuedTask[] {
    this.#step++;
    const isOld = (task: QueuedTask) =>
      this.isOld(task, steps) && !task.isNews && !task.isBorrowed;
    const expired: QueuedTask[] = [];
    for (const task of this.#ready) {
      if (isOld(task)) {
        this.#takeOut(task);
        expired.push(task);
        continue;
      }
      // The news of its coming goes before a client's requests, and waits for ever.
      for (const behind of task.session?.behind ?? []) {
        if (!isOld(behind)) continue;
        task.session!.behind.remove(behind);
        this.room.take(behind);
        expired.push(behind);
      }
    }
    for (const { session } of expired) if (session) this.#forget(session);
    return expired;
  }

  /** What is not the tasks themselves, for another process. */
  give(): QueuePiece {
    const { room } = this;
    return { step: this.#step, ...this.#ready.give(), room: room.give() };
  }

  /** Takes that. */
  takeOver(piece: QueuePiece): void {
    this.#step = piece.step;
    this.#ready.takeOver(piece);
    this.room.takeOver(piece.room);
  }

  /** The tasks that are ready, in their order. */
  ready(): Iterable<QueuedTask> {
    return this.#ready;
  }

  /** Where a task waits. */
  whereIs(task: QueuedTask): WaitsIn {
    if (!task.list) return "behind";
    return task.list === this.#ready.returned ? "returned" : "ready";
  }

  /** Takes a task that another process has given, at the end of where it waited there. */
  retake(task: QueuedTask, where: WaitsIn): void {
    if (where === "behind") task.session!.behind.pushBack(task);
    else this.#ready.retake(task, where === "returned");
  }

  // The next task of a client becomes ready, if it has one.
  #advance(session: QueueClient): void {
    const following = session.behind.shift();
    session.front = following;
    if (following) this.#ready.add(following);
  }

  #taken(task: QueuedTask | null): QueuedTask | null {
    if (task) this.room.take(task);
    return task;
  }

  // Takes a task out of the list it is in, as if it were finished.
  #takeOut(task: QueuedTask): void {
    this.#ready.remove(task);
    this.room.take(task);
    this.finish(task);
  }

  // Drops the requests of a client that is gone.
  #dropOf(session: QueueClient): void {
    session.dropped = true;
    const dropped = this.remove(session, (task) => task.isRequest);
    for (const task of dropped) this.#options.onDropped?.(task);
  }

  // There is no more room: requests of clients that are gone make some.
  #yield(): void {
    if (this.#options.goneRequests !== "yield") return;
    for (const session of [...this.room.gone]) {
      this.#dropOf(session);
      this.#forget(session);
    }
  }

  // Of a client that has come and gone, and of which nothing is left, no worker needs to hear.
  #forget(session: QueueClient): void {
    const { created, closed, gone, waiting } = session;
    if (!created || !closed || !gone || waiting > 0) return;
    session.created = session.closed = null;
    if (closed.list) this.#takeOut(closed);
    else {
      session.behind.remove(closed);
      this.room.take(closed);
    }
    this.#takeOut(created);
  }
}
