// AskingLinks: the workers' connections that ask for tasks, and which of them gets the next one.

import { givenTime, takenTime } from "@maple/box/internal";
import { LinkedList } from "./linked_list.ts";
import type { LinkNo, LinkOf, TaskHolder } from "./queued_task.ts";

// A worker that will come to a task so soon may get it although others have nothing to do: to wake
// one of those would gain little and cost the machine more.
const SOON_MS = 0.5;
// What was handed out longer ago and is not done takes longer than tasks did on average. When
// nothing was handed out for so long, there is little to do.
const RECENT_MS = 2;
// Those that hold so many tasks or more count as equals.
const MOST_TOLD_APART = 64;
// So many of those that were served last are looked at first.
const LOOKED_AT = 4;

/** What one process tells another of those who ask: their numbers. */
export interface AskingPiece {
  /** Those that have credits and are not parked. */
  readonly asking: readonly number[];
  /** Those that were served last. */
  readonly served: readonly number[];
  /** When that was. */
  readonly servedAt: number | null;
}

/**
 * The workers' connections that have credits, and which of them gets the next task.
 *
 * A task goes to whoever holds the fewest, and among equals to the one that has waited longest: so
 * one that asks for much at a time does not keep the others from getting any. But where there is
 * much to do and the tasks are short, as workers of ours tell, it goes to one that was served just
 * before for as long as that keeps up, and then to the one that has become idle last. Spread over
 * all that are there, each task would wake another process, and every further worker would make the
 * system slower.
 */
export class AskingLinks {
  // By how many tasks they hold; in each list the one that came into it first is the first.
  readonly #byHeld: readonly LinkedList<TaskHolder>[] = Array.from(
    { length: MOST_TOLD_APART + 1 },
    () => new LinkedList<TaskHolder>(),
  );
  #credits = 0;
  // Those that were served last, the last one first.
  readonly #served: TaskHolder[] = [];
  #servedAt = -Infinity;

  /** How many tasks they have asked for, all together. */
  get credits(): number {
    return this.#credits;
  }

  /** A link asks for one more task. */
  add(link: TaskHolder): void {
    if (link.parked) {
      link.credits++;
      return;
    }
    this.#credits++;
    if (link.credits++ === 0) this.#insert(link);
  }

  /** A link that holds nothing; null when there is none. */
  get idle(): TaskHolder | null {
    return this.#byHeld[0]!.last;
  }

  /** One of those that hold the fewest; null when nobody asks. */
  get withFewest(): TaskHolder | null {
    for (const { first } of this.#byHeld) if (first) return first;
    return null;
  }

  /** A link keeps its credits, and is not chosen until {@linkcode AskingLinks.unpark}. */
  park(link: TaskHolder): void {
    this.#take(link);
    link.parked = true;
  }

  /** A parked link is chosen again. */
  unpark(link: TaskHolder): void {
    link.parked = false;
    if (link.credits === 0) return;
    this.#credits += link.credits;
    this.#insert(link);
  }

  /** A link asks for nothing any more. */
  remove(link: TaskHolder): void {
    this.#take(link);
    link.credits = 0;
    link.parked = false;
  }

  /** To be called when a link holds more or fewer tasks than before. */
  update(link: TaskHolder): void {
    if (link.credits === 0 || link.parked) return;
    // Also where that makes no difference: those that hold the most are served in turn too.
    this.#byHeld[link.rank]!.remove(link);
    this.#insert(link);
  }

  /**
   * The link that gets the next task, which uses up one of its credits; null when nobody asks.
   *
   * @param now Milliseconds of `turnNow`.
   */
  next(now: number): TaskHolder | null {
    const link = this.#choose(now);
    if (!link) return null;
    this.#credits--;
    if (--link.credits === 0) this.#byHeld[link.rank]!.remove(link);
    this.#servedAt = now;
    if (link !== this.#served[0]) this.#putFirst(link);
    return link;
  }

  /** Who asks, in which order, for another process. */
  give(noOf: LinkNo): AskingPiece {
    return {
      asking: this.#byHeld.flatMap((links) => [...links].map(noOf)),
      // One that is gone may be among them, which had asked for nothing more.
      served: this.#served.filter(({ closed }) => !closed).map(noOf),
      servedAt: givenTime(this.#servedAt),
    };
  }

  /** Takes that, with the links and what they hold. */
  takeOver(piece: AskingPiece, linkOf: LinkOf, shift: number): void {
    for (const no of piece.asking) {
      const link = linkOf(no);
      this.#credits += link.credits;
      this.#insert(link);
    }
    this.#served.push(...piece.served.map(linkOf));
    this.#servedAt = takenTime(piece.servedAt, shift);
  }

  #choose(now: number): TaskHolder | null {
    if (now - this.#servedAt < RECENT_MS) {
      for (const link of this.#served) {
        if (link.credits > 0 && isReady(link, now)) return link;
      }
      const idle = this.#byHeld[0]!.last;
      if (idle && idle.taskMs > 0) return idle;
    }
    return this.withFewest;
  }

  // Takes a link out, whose credits stay as they are.
  #take(link: TaskHolder): void {
    if (link.credits === 0 || link.parked) return;
    this.#byHeld[link.rank]!.remove(link);
    this.#credits -= link.credits;
    const at = this.#served.indexOf(link);
    if (at >= 0) this.#served.splice(at, 1);
  }

  #putFirst(link: TaskHolder): void {
    const at = this.#served.indexOf(link);
    if (at >= 0) this.#served.splice(at, 1);
    else if (this.#served.length === LOOKED_AT) this.#served.pop();
    this.#served.unshift(link);
  }

  #insert(link: TaskHolder): void {
    link.rank = rankOf(link);
    this.#byHeld[link.rank]!.pushBack(link);
  }
}

function rankOf({ inHand }: TaskHolder): number {
  return Math.min(inHand.size, MOST_TOLD_APART);
}

// Whether it will come to a task at once, as far as is known: an original worker does not tell.
function isReady({ inHand, taskMs }: TaskHolder, now: number): boolean {
  return taskMs > 0 && inHand.size * taskMs < SOON_MS &&
    (!inHand.first || now - inHand.first.deliveredAt < RECENT_MS);
}
