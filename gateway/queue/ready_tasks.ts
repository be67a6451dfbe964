// ReadyTasks: the tasks that can be handed out now, and which of them is next.

import { LinkedList } from "./linked_list.ts";
import type { QueuedTask } from "./queued_task.ts";

/** What one process tells another of its ready tasks, beside these. */
export interface ReadyPiece {
  /** Whether the one that was taken out last was of a trigger or worker. */
  readonly wasInner: boolean;
  /** Which of all that became ready the last one was. */
  readonly lastNo: number;
}

/** The tasks that can be handed out now: of each client one at a time. */
export class ReadyTasks {
  /** Those that came back from lost workers: they wait apart, before all others. */
  readonly returned = new LinkedList<QueuedTask>();
  readonly #ofClients = new LinkedList<QueuedTask>();
  // Of triggers and workers, about no client.
  readonly #inner = new LinkedList<QueuedTask>();
  // Whether the task that was taken out last was one of these.
  #wasInner = false;
  #lastNo = 0;
  #lone = 0;

  /** The next to be handed out came then, in milliseconds of `turnNow`; undefined without one. */
  get oldestAt(): number | undefined {
    const { first } = this.returned;
    if (first) return first.queuedAt;
    const [ready, inner] = [this.#ofClients.first, this.#inner.first];
    if (!ready || !inner) return (ready ?? inner)?.queuedAt;
    return Math.min(ready.queuedAt, inner.queuedAt);
  }

  /** Whether there is one that did not come back. */
  get hasNext(): boolean {
    return this.#ofClients.size > 0 || this.#inner.size > 0;
  }

  /** Whether there is one whose client sends one at a time. */
  get hasLone(): boolean {
    return this.#lone > 0;
  }

  /** Adds one at the end. */
  add(task: QueuedTask): void {
    const { session } = task;
    if (!session) {
      this.#put(task, this.#inner);
      return;
    }
    this.#put(task, this.#ofClients);
    if (session.behind.first || session.singles === 0) return;
    task.isLone = true;
    this.#lone++;
  }

  /** Adds one that came back. */
  addReturned(task: QueuedTask): void {
    this.#put(task, this.returned);
  }

  /**
   * Takes out the one that became ready first; but while clients wait, of what triggers and workers
   * have sent never two in a row. Null when there is none.
   */
  next(): QueuedTask | null {
    const { first: ready } = this.#ofClients;
    const { first: inner } = this.#inner;
    const isInner = inner !== null &&
      (!ready || (!this.#wasInner && inner.readyNo < ready.readyNo));
    this.#wasInner = isInner;
    return this.#shift(isInner ? this.#inner : this.#ofClients);
  }

  /** Takes out the one that came back first; null when there is none. */
  nextReturned(): QueuedTask | null {
    return this.#shift(this.returned);
  }

  /** Takes one out. */
  remove(task: QueuedTask): void {
    task.list!.remove(task);
    task.list = null;
    this.notLone(task);
  }

  /** One is not ready any more, or another waits behind it. */
  notLone(task: QueuedTask): void {
    if (!task.isLone) return;
    task.isLone = false;
    this.#lone--;
  }

  /** All of them; they may be taken out meanwhile. */
  *[Symbol.iterator](): Iterator<QueuedTask> {
    yield* this.returned;
    yield* this.#ofClients;
    yield* this.#inner;
  }

  /** What is not the tasks themselves, for another process. */
  give(): ReadyPiece {
    return { wasInner: this.#wasInner, lastNo: this.#lastNo };
  }

  /** Takes that. */
  takeOver({ wasInner, lastNo }: ReadyPiece): void {
    this.#wasInner = wasInner;
    this.#lastNo = lastNo;
  }

  /** Takes one that another process has given, at the end of where it waited there. */
  retake(task: QueuedTask, isReturned: boolean): void {
    task.list = isReturned
      ? this.returned
      : task.session
      ? this.#ofClients
      : this.#inner;
    task.list.pushBack(task);
    if (task.isLone) this.#lone++;
  }

  #put(task: QueuedTask, list: LinkedList<QueuedTask>): void {
    task.list = list;
    task.readyNo = ++this.#lastNo;
    list.pushBack(task);
  }

  #shift(list: LinkedList<QueuedTask>): QueuedTask | null {
    const task = list.shift();
    if (!task) return null;
    task.list = null;
    this.notLone(task);
    return task;
  }
}
