// Deliveries: the tasks that workers hold, found by the ids of their deliveries.

import type { QueueClient, QueuedTask, TaskHolder } from "./queued_task.ts";

// An id is a 32-bit integer above 0: below, the slot that the task is in; above, a count that tells
// it from those that were in the slot before.
const SLOT_BITS = 24;
const SLOTS = 2 ** SLOT_BITS;
const COUNTS = 2 ** (31 - SLOT_BITS) - 1;

/**
 * The tasks that workers hold, in slots that are used again. A `Map` would take a new table
 * whenever enough was deleted from it, and each old table keeps the next one, and all that was in
 * it, until V8 collects the whole heap.
 */
export class Deliveries {
  readonly #slots: (QueuedTask | undefined)[] = [];
  readonly #free: number[] = [];
  #count = 0;

  /** How many tasks are held. */
  get size(): number {
    return this.#slots.length - this.#free.length;
  }

  /** Whether no more tasks can be held: there are 16,777,216. */
  get isFull(): boolean {
    return this.size === SLOTS;
  }

  /** Puts a task in, and sets its delivery id. */
  add(task: QueuedTask): void {
    const slot = this.#free.pop() ?? this.#slots.length;
    this.#slots[slot] = task;
    this.#count = this.#count % COUNTS + 1;
    task.deliveryId = this.#count * SLOTS + slot;
  }

  /** The task with that delivery id. */
  get(id: number): QueuedTask | undefined {
    const task = this.#slots[id % SLOTS];
    return task?.deliveryId === id ? task : undefined;
  }

  /**
   * The task that a worker's answer is to, where it is not answered yet.
   *
   * @param link Who has answered. Null where it has come through another gateway: then it is the
   * task of that delivery whoever holds it, and without an id none.
   * @param deliveryId Which task: a worker of ours tells. An original worker, which leaves without
   * acknowledging its last task, gives 0: it is the oldest of that client that it holds.
   */
  answeredBy(
    link: TaskHolder | null,
    session: QueueClient,
    deliveryId: number,
  ): QueuedTask | undefined {
    if (deliveryId > 0) {
      const task = this.get(deliveryId);
      if (task?.session !== session) return undefined;
      return link === null || task.link === link ? task : undefined;
    }
    if (!link || link.acknowledgesById) return undefined;
    for (const task of link.inHand) {
      if (task.session === session && !task.answered && task.isRequest) {
        return task;
      }
    }
    return undefined;
  }

  /** What tells the next ids from those before, for another process. */
  give(): number {
    return this.#count;
  }

  /** Takes a task that another process has given, under its id. */
  retake(task: QueuedTask): void {
    const slot = task.deliveryId % SLOTS;
    while (this.#slots.length < slot) this.#slots.push(undefined);
    this.#slots[slot] = task;
  }

  /** Takes what `give` has told, after the tasks. */
  takeOver(count: number): void {
    this.#count = count;
    this.#slots.forEach((task, slot) => task ?? this.#free.push(slot));
  }

  /** The tasks that are held. */
  *[Symbol.iterator](): Iterator<QueuedTask> {
    for (const task of this.#slots) if (task) yield task;
  }

  /** Takes a task out that is in. */
  delete(task: QueuedTask): void {
    const slot = task.deliveryId % SLOTS;
    this.#slots[slot] = undefined;
    this.#free.push(slot);
  }
}
