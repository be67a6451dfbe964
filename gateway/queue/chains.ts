// Chains: the tasks of one client that one worker holds together, to run them one after the other.
//
// With order "client" a client's next task is handed out when the one before is acknowledged, which
// costs a round trip for each. But while a worker holds one, what follows may go to the same worker
// at once. It uses no credit: a credit stands for a chain, however long, and comes back when the
// chain is empty.
//
// What a client can be in, by its `front`, its `chain` (how many tasks a worker holds) and `given`
// (how many were added since that worker held none):
//
//            front            chain  given  behind
//   idle     null             0      -      empty
//   ready    waits            0      -      waits for the front
//   growing  the last added   > 0    > 0    waits until more may be added
//   ended    the last added   > 0    0      waits until the chain is empty
//   back     waits, to go     0      -      what was chained behind it and lost with the same
//            out alone                      worker, to go one by one; then what waits
//
// ready -> growing or ended when a worker asks; ended at once where the worker does not run chains,
// the task was lost before, or the client is gone. growing -> ended when the client's tasks change
// (a login, a logout, a close, a clear) or the worker gives one back. chain 0 -> ready or idle; the
// worker is lost -> back.

import { givenTime, takenTime, turnNow } from "@maple/box/internal";
import type { QueueClient, QueuedTask, TaskHolder } from "./queued_task.ts";
import type { TaskQueue } from "./task_queue.ts";

// A worker holds so many tasks of one client at most, and only small ones beyond the first: 1 MiB
// for each of its credits.
const LENGTH_MAX = 64;
const TASK_BYTES_MAX = 16 * 1024;
// Where none sends one at a time, longer turns serve all of them better.
const LONGER = 9;
// A client that sends one at a time, and had one done so lately, will send the next. What others
// have under way by then is ahead of it everywhere on its way.
const LONE_MS = 5;
// A client that sends many has a single one left now and then: so many in a row tell nothing.
const LONE_SINGLES = 2;
// Where tasks take longer the round trip counts for little; what waits here goes to whoever has the
// least to do, may be given up or cleared.
const SHORT_MS = 0.5;

/** Settings of {@linkcode Chains}. */
export interface ChainsOptions {
  /** How many tasks of a client are given in a row while others send one at a time. */
  readonly chainMax: number;
  /** Whether a task can be handed out now. */
  readonly canDeliver: () => boolean;
  /** Hands a task to a link. */
  readonly deliver: (task: QueuedTask, link: TaskHolder) => void;
}

/** What has become of chains so far; told as the gateway's counters of these names. */
export interface ChainCounts {
  /** Tasks that were added to a chain, after its first. */
  chained: number;
  /** Chains that got a second task. */
  chainsBegun: number;
  /** Chains of which the worker was to give back what it had not begun. */
  chainsRecalled: number;
  /** Tasks that were given back and not begun. */
  givenBack: number;
}

/** What one process tells another of its chains. */
export interface ChainsPiece {
  /** What has become of them so far. */
  readonly counts: ChainCounts;
  /** Clients of which a worker holds more than one task. */
  readonly size: number;
  /** When a task was done last of a client that sends one at a time. */
  readonly loneAt: number | null;
}

/** Gives a client's tasks to the worker that holds one already. Only for order "client". */
export class Chains {
  /** What has become of them so far. */
  readonly counts: ChainCounts = {
    chained: 0,
    chainsBegun: 0,
    chainsRecalled: 0,
    givenBack: 0,
  };
  /** Clients of which a worker holds more than one task now. */
  size = 0;
  readonly #queue: TaskQueue;
  readonly #options: ChainsOptions;
  // When a task was done last of a client that sends one at a time.
  #loneAt = -Infinity;

  /** @param queue Where the tasks wait. */
  constructor(queue: TaskQueue, options: ChainsOptions) {
    this.#queue = queue;
    this.#options = options;
  }

  /** A task is handed out: it begins a chain, or is added to its client's. */
  add(task: QueuedTask, link: TaskHolder): void {
    const { session } = task;
    if (!session) return;
    if (++session.chain === 1) {
      session.holder = link;
      const mayGrow = link.chains && task.deliveries === 0 && !session.gone;
      session.given = mayGrow ? 1 : 0;
      task.place = 1;
      return;
    }
    if (session.chain === 2) this.size++;
    task.place = ++session.given;
    this.counts.chained++;
    if (task.place === 2) this.counts.chainsBegun++;
  }

  /** A worker does not hold a task any more. */
  take({ session }: QueuedTask): void {
    if (!session) return;
    if (--session.chain === 1) this.size--;
    if (session.chain > 0) return;
    if (session.given > 1 || session.behind.first) session.singles = 0;
    else if (session.singles < LONE_SINGLES) session.singles++;
    else this.#loneAt = turnNow();
  }

  /** Adds what waits to a client's chain, as far as that may grow. */
  extend(session: QueueClient): void {
    const { behind } = session;
    const { chainMax, canDeliver, deliver } = this.#options;
    while (behind.first && this.#mayGrow(session, behind.first)) {
      // Its next turn comes when the chain is empty; of others that wait for a credit, before that.
      if (session.given >= chainMax) {
        if (this.#hasLone) return;
        const isLong = session.given >= chainMax * LONGER;
        if (isLong && this.#queue.hasNext) return;
      }
      if (!canDeliver()) return;
      const task = behind.first;
      this.#queue.nextBehind(session);
      // Where it cannot be sent, the link is lost, and the chain with it.
      deliver(task, session.holder!);
    }
  }

  /** Adds no more to a client's chain until it is empty. */
  end(session: QueueClient): void {
    session.given = 0;
  }

  /** What of a client's chain is not begun is to come back. */
  recall(session: QueueClient): void {
    if (session.chain < 2) return;
    this.counts.chainsRecalled++;
    this.end(session);
    session.holder!.recall(session);
  }

  /** What of a client's chain is not begun is dropped when it comes back. */
  clear(session: QueueClient): void {
    if (session.chain < 2) return;
    let isFirst = true;
    for (const task of session.holder!.inHand) {
      if (task.session !== session) continue;
      task.cleared = !isFirst;
      isFirst = false;
    }
    this.recall(session);
  }

  /**
   * A task's worker is lost. Whether it is the first that it held of its client: that one it may
   * have been working on. To be called for one after the other, before `take`.
   */
  isFirstLost({ session, link }: QueuedTask): boolean {
    if (!session) return true;
    if (session.holder !== link) return false;
    session.holder = session.front = null;
    return true;
  }

  /** A lost task comes back. Whether it is its client's first to do so; others go behind it. */
  isFront(task: QueuedTask): boolean {
    const { session } = task;
    if (!session) return true;
    session.front ??= task;
    return session.front === task;
  }

  /** What is known beside the tasks, for another process. */
  give(): ChainsPiece {
    const { counts, size } = this;
    return { counts: { ...counts }, size, loneAt: givenTime(this.#loneAt) };
  }

  /** Takes that. */
  takeOver({ counts, size, loneAt }: ChainsPiece, shift: number): void {
    Object.assign(this.counts, counts);
    this.size = size;
    this.#loneAt = takenTime(loneAt, shift);
  }

  // Whether a client that sends one at a time waits, or had its turn just before.
  get #hasLone(): boolean {
    return this.#queue.hasLone || turnNow() - this.#loneAt < LONE_MS;
  }

  #mayGrow(
    { given, chain, holder }: QueueClient,
    next: QueuedTask,
  ): boolean {
    if (given === 0 || chain === 0 || chain >= LENGTH_MAX) return false;
    const { taskMs, withdrawn, parked, closed, keepsUp } = holder!;
    if (taskMs <= 0 || taskMs >= SHORT_MS) return false;
    if (withdrawn || parked || closed || !keepsUp) return false;
    return next.isRequest && next.deliveries === 0 &&
      next.bytes <= TASK_BYTES_MAX;
  }
}
