// AskingLinks: the workers' connections that ask for tasks, and which of them gets the next one.

import type { InnerLink } from "./inner_link.ts";
import { LinkedList } from "./linked_list.ts";

// A worker that will come to a task so soon may get it although others have nothing to do: to wake one of those costs the machine as much.
const SOON_MS = 0.2;
// What was handed out longer ago and is not done takes longer than tasks did on average. When nothing was handed out for so long, there is little to do.
const RECENT_MS = 1;

/**
 * The workers' connections that have credits, and which of them gets the next task.
 *
 * A task goes to whoever holds the fewest, and among equals to the one that has waited longest: so one that asks for much at a time does not keep the others from
 * getting any. But where there is much to do and the tasks are short, as workers of ours tell, they go to a worker that was served just before for as long as it
 * keeps up. Spread over all that are there, each task would wake another process, and every further worker would make the system slower.
 */
export class AskingLinks {
  // The one that was served or has asked last is the last.
  readonly #links = new LinkedList<InnerLink>();
  #credits = 0;
  #servedAt = -Infinity;

  /** How many tasks they have asked for, all together. */
  get credits(): number {
    return this.#credits;
  }

  /** A link asks for one more task. */
  add(link: InnerLink): void {
    if (link.credits++ === 0) this.#links.pushBack(link);
    this.#credits++;
  }

  /** A link asks for nothing any more. */
  remove(link: InnerLink): void {
    if (link.credits === 0) return;
    this.#links.remove(link);
    this.#credits -= link.credits;
    link.credits = 0;
  }

  /**
   * The link that gets the next task, which uses up one of its credits; null when nobody asks.
   *
   * @param now Milliseconds of `turnNow`.
   */
  next(now: number): InnerLink | null {
    const isBusyTime = now - this.#servedAt < RECENT_MS;
    const link = (isBusyTime ? this.#lastReady(now) : null) ??
      this.#leastBusy();
    if (!link) return null;
    this.#servedAt = now;
    this.#links.remove(link);
    if (--link.credits > 0) this.#links.pushBack(link);
    this.#credits--;
    return link;
  }

  #lastReady(now: number): InnerLink | null {
    let link = this.#links.last;
    while (link && !isReady(link, now)) link = link.prev;
    return link;
  }

  #leastBusy(): InnerLink | null {
    const { first } = this.#links;
    let least = first;
    for (let link = first; link && least!.held.size > 0; link = link.next) {
      if (link.held.size < least!.held.size) least = link;
    }
    return least;
  }
}

// Whether it will come to a task at once, as far as is known: an original worker does not tell.
function isReady({ held, taskMs }: InnerLink, now: number): boolean {
  return taskMs > 0 && held.size * taskMs < SOON_MS &&
    (!held.first || now - held.first.deliveredAt < RECENT_MS);
}
