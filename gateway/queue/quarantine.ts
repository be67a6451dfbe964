// Quarantine: what comes back from lost workers is handed out again so that it can take nobody with
// it: alone, to a worker that is known to live.

import { givenTime, takenTime, turnNow } from "@maple/box/internal";
import type { AskingLinks } from "./asking_links.ts";
import type { LinkNo, LinkOf, QueuedTask, TaskHolder } from "./queued_task.ts";
import type { TaskQueue } from "./task_queue.ts";

const TICK_MS = 25;
// So long after the last loss nothing is handed out again: others that are lost are known by then.
const WAIT_TICKS = 3;
// Where workers are lost all the time, something is handed out after so long all the same.
const WAIT_MOST_TICKS = 20;
// How long a link may take until it is empty, and one of ours for a sign of life; how long a
// task is kept alone that does not end; and how long the only link is kept from what waits.
const PATIENCE_TICKS = 40;

/** What a {@linkcode Quarantine} does with its tasks. */
export interface QuarantineOptions {
  /** Whether a task can be handed out now. */
  readonly canDeliver: () => boolean;
  /** Hands a task to a link. */
  readonly deliver: (task: QueuedTask, link: TaskHolder) => void;
  /** Called when links may ask again that were kept. */
  readonly onTick: () => void;
}

/** Why a link is kept from all else. */
interface Kept {
  /** The task that it holds alone; null while it is not ready for one. */
  suspect: QueuedTask | null;
  /** The tick at which this began. */
  since: number;
}

/** What one process tells another of its quarantine. */
export interface QuarantinePiece {
  /** The links that are kept, by their numbers, each with the delivery of its task, or 0. */
  readonly kept: readonly { link: number; suspect: number; since: number }[];
  /** How many links there are. */
  readonly links: number;
  /** Its clock, and when on it something was lost, was given and began. */
  readonly tick: number;
  readonly lostTick: number;
  readonly lostAt: number | null;
  readonly gaveTick: number;
  readonly beganTick: number;
  /** Whether its clock runs. */
  readonly runs: boolean;
}

/**
 * Hands out again what came back from lost workers. Any of these tasks may be what ended its
 * worker, so each goes alone to a link that holds nothing else, and that gets nothing else until it
 * is done: if that worker is lost too, it is plain who did it.
 *
 * Links become empty by getting nothing more; up to half of them are kept so at a time, the others
 * serve what waits as always. Where patience ends a task is no longer alone, but it is still the
 * only one that is blamed.
 *
 * A worker whose end is not known yet must not get them: so they wait until no other was lost for a
 * moment, and go only to those that have shown life since. Workers of ours are asked to.
 */
export class Quarantine {
  readonly #queue: TaskQueue;
  readonly #asking: AskingLinks;
  readonly #options: QuarantineOptions;
  readonly #kept = new Map<TaskHolder, Kept>();
  #links = 0;
  #tick = 0;
  #lostTick = -WAIT_TICKS;
  #lostAt = -Infinity;
  #gaveTick = 0;
  #beganTick = 0;
  #suspects = 0;
  #closed = false;
  #timer: ReturnType<typeof setInterval> | undefined;

  /**
   * @param queue Where the tasks wait that came back.
   * @param asking Where the links come from that are kept.
   */
  constructor(
    queue: TaskQueue,
    asking: AskingLinks,
    options: QuarantineOptions,
  ) {
    this.#queue = queue;
    this.#asking = asking;
    this.#options = options;
  }

  /** A link has asked for the first time. */
  joined(): void {
    this.#links++;
  }

  /** A link gets nothing any more. Answers the task that it was kept for. */
  left(link: TaskHolder): QueuedTask | null {
    this.#links--;
    const suspect = this.#kept.get(link)?.suspect ?? null;
    this.#forget(link);
    return suspect;
  }

  /** Tasks came back: puts them where they wait for being handed out again. */
  add(tasks: readonly QueuedTask[]): void {
    if (this.#queue.returned === 0) this.#gaveTick = this.#tick;
    if (!this.#timer) this.#beganTick = this.#tick;
    this.#queue.putBack(tasks);
    this.#lostTick = this.#tick;
    this.#lostAt = turnNow();
    if (this.#closed) return;
    this.#timer ??= setInterval(() => this.#step(), TICK_MS);
    this.#keepMore();
  }

  /** A link has asked for one more task. To be called while tasks wait that came back. */
  asked(link: TaskHolder): void {
    if (link.parked) this.#use(link);
    else if (this.#unused < this.#queue.returned) this.#keepMore();
  }

  /** A link that is kept has finished a task. */
  finished(link: TaskHolder, task: QueuedTask): void {
    const kept = this.#kept.get(link);
    if (!kept) return;
    if (kept.suspect === task) {
      kept.suspect = null;
      kept.since = this.#tick;
      this.#suspects--;
    }
    this.makeRoom();
    this.#use(link);
  }

  /** Links that are kept and that others wait for serve these again. */
  makeRoom(): void {
    if (this.#unused > 0) this.#releaseUnused();
  }

  /** Hands out nothing any more. */
  close(): void {
    this.#closed = true;
    clearInterval(this.#timer);
  }

  /** What is known beside the tasks, for another process. */
  give(noOf: LinkNo): QuarantinePiece {
    const kept = Array.from(this.#kept, ([link, { suspect, since }]) => ({
      link: noOf(link),
      suspect: suspect?.deliveryId ?? 0,
      since,
    }));
    return {
      kept,
      links: this.#links,
      tick: this.#tick,
      lostTick: this.#lostTick,
      lostAt: givenTime(this.#lostAt),
      gaveTick: this.#gaveTick,
      beganTick: this.#beganTick,
      runs: this.#timer !== undefined,
    };
  }

  /** Takes that, with the tasks that are held, by the ids of their deliveries. */
  takeOver(
    piece: QuarantinePiece,
    { linkOf, taskOf, shift }: {
      readonly linkOf: LinkOf;
      readonly taskOf: (deliveryId: number) => QueuedTask | undefined;
      readonly shift: number;
    },
  ): void {
    for (const { link, suspect: id, since } of piece.kept) {
      const suspect = taskOf(id) ?? null;
      if (suspect) this.#suspects++;
      this.#kept.set(linkOf(link), { suspect, since });
    }
    this.#links = piece.links;
    this.#tick = piece.tick;
    this.#lostTick = piece.lostTick;
    this.#lostAt = takenTime(piece.lostAt, shift);
    this.#gaveTick = piece.gaveTick;
    this.#beganTick = piece.beganTick;
    if (piece.runs) this.#timer = setInterval(() => this.#step(), TICK_MS);
  }

  /** Whether a link is kept from all else. */
  keeps(link: TaskHolder): boolean {
    return this.#kept.has(link);
  }

  #step(): void {
    this.#tick++;
    for (const [link, { suspect, since }] of [...this.#kept]) {
      const lived = link.seenAt > (suspect?.deliveredAt ?? this.#lostAt);
      // It has done no harm so far, so others need not wait for it.
      if (suspect && this.#tick - since >= PATIENCE_TICKS) {
        if (lived || !link.acknowledgesById) this.#release(link);
        else link.askForLife();
      } else if (!suspect && !lived && link.acknowledgesById) {
        if (this.#tick - since < PATIENCE_TICKS) link.askForLife();
        else this.#release(link);
      } else this.#use(link);
    }
    this.#preferIdle();
    this.#keepMore();
    this.#releaseUnused();
    if (this.#queue.returned === 0 && this.#kept.size === 0) {
      clearInterval(this.#timer);
      this.#timer = undefined;
    }
    this.#options.onTick();
  }

  #keepMore(): void {
    const most = this.#most;
    while (this.#unused < this.#queue.returned) {
      const link = this.#kept.size < most
        ? this.#asking.withFewest
        : this.#queue.hasNext
        ? null
        : this.#asking.idle;
      if (!link) break;
      this.#keep(link);
    }
  }

  // Keeps links that hold nothing rather than those that do.
  #preferIdle(): void {
    for (const [link, { suspect }] of [...this.#kept]) {
      if (suspect || link.inHand.size === 0) continue;
      const { idle } = this.#asking;
      if (!idle || this.#queue.returned === 0) return;
      this.#release(link);
      this.#keep(idle);
    }
  }

  #releaseUnused(): void {
    const needed = this.#queue.returned;
    const most = this.#queue.hasNext ? this.#most : Infinity;
    for (const [link, { suspect }] of this.#kept) {
      if (this.#unused <= needed && this.#kept.size <= most) return;
      if (!suspect) this.#release(link);
    }
  }

  // How many links may be kept: half of them, and all that are idle while nothing else waits. The
  // only one serves the others every other second.
  get #most(): number {
    if (this.#links > 1) return Math.floor(this.#links / 2);
    const turn = Math.floor((this.#tick - this.#beganTick) / PATIENCE_TICKS);
    return this.#queue.hasNext && turn % 2 === 1 ? 0 : 1;
  }

  // How many links are kept and have no task yet.
  get #unused(): number {
    return this.#kept.size - this.#suspects;
  }

  #keep(link: TaskHolder): void {
    this.#asking.park(link);
    this.#kept.set(link, { suspect: null, since: this.#tick });
    if (link.seenAt <= this.#lostAt) link.askForLife();
    this.#use(link);
  }

  #release(link: TaskHolder): void {
    this.#forget(link);
    this.#asking.unpark(link);
  }

  #forget(link: TaskHolder): void {
    if (this.#kept.get(link)?.suspect) this.#suspects--;
    this.#kept.delete(link);
  }

  // Gives a kept link a task if it may have one.
  #use(link: TaskHolder): void {
    const kept = this.#kept.get(link);
    if (!kept || kept.suspect || !this.#isReady(link, kept)) return;
    const task = this.#queue.nextReturned();
    if (!task) return;
    kept.suspect = task;
    this.#suspects++;
    kept.since = this.#gaveTick = this.#tick;
    link.credits--;
    this.#options.deliver(task, link);
  }

  #isReady(link: TaskHolder, { since }: Kept): boolean {
    if (link.credits === 0 || !this.#options.canDeliver()) return false;
    const waited = this.#tick - this.#lostTick >= WAIT_TICKS ||
      this.#tick - this.#gaveTick >= WAIT_MOST_TICKS;
    if (!waited) return false;
    const lives = link.seenAt > this.#lostAt || !link.acknowledgesById;
    const isEmpty = link.inHand.size === 0 ||
      this.#tick - since >= PATIENCE_TICKS;
    return lives && isEmpty;
  }
}
