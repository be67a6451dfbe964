// Reload: new children from the code on disk in place of those that run: in all places at once, or,
// where they take over what the old ones hold, in one place after the other.

import { endedWithin } from "../ended_within.ts";
import type { Logger } from "../log/logger.ts";
import type { ChildEnd } from "./child.ts";
import type { Place } from "./place.ts";
import type { WatchedChild } from "./watched_child.ts";
import { whyNotReady } from "./why_not_ready.ts";

/** What a {@linkcode Reload} works with. */
export interface ReloadContext {
  /** What it goes by. */
  readonly options: {
    /** Milliseconds in which new children are ready. */
    readonly reloadTimeoutMs: number;
    /** Whether they take over what the old ones hold. */
    readonly handsOver?: boolean;
  };
  /** Where it logs. */
  readonly logger: Logger;
  /**
   * Starts a child.
   *
   * @throws {Error} with one line that says why it cannot be started.
   */
  readonly start: (index: number) => WatchedChild;
  /** Has a child leave whose place another one has. */
  readonly stop: (child: WatchedChild) => void;
  /** What a child held nobody has. */
  readonly lose: (child: WatchedChild, end: ChildEnd) => void;
  /** Whether all are to leave. */
  readonly stopping: () => boolean;
}

/** How it is told that nobody has what a child held, which runs on. */
export const GAVE_ALL: ChildEnd = {
  how: "it has handed all to one that has ended",
  clean: false,
  code: 1,
};

/** Puts new children into all places. */
export class Reload {
  readonly #places: readonly Place[];
  readonly #context: ReloadContext;
  #running = false;
  #again = false;
  // The places that are being filled, and who has ended there meanwhile.
  readonly #renewing = new Map<Place, ChildEnd | undefined>();

  /** @param places All of them. */
  constructor(places: readonly Place[], context: ReloadContext) {
    this.#places = places;
    this.#context = context;
  }

  /** Whether somebody is about to take a place. */
  fills(place: Place): boolean {
    return this.#renewing.has(place);
  }

  /**
   * The child of a place has ended.
   *
   * @returns Whether somebody is about to take the place, who may have all that it held.
   */
  takesEnd(place: Place, end: ChildEnd): boolean {
    const fills = this.fills(place);
    if (fills) this.#renewing.set(place, end);
    return fills;
  }

  /** Reloads; called while that is under way, it has another reload follow. */
  async run(): Promise<void> {
    this.#again = true;
    if (this.#running) {
      this.#context.logger.info(
        "another reload follows the one that is under way",
      );
      return;
    }
    this.#running = true;
    while (this.#again && !this.#context.stopping()) {
      this.#again = false;
      await this.#reloadOnce();
    }
    this.#running = false;
  }

  async #reloadOnce(): Promise<void> {
    const { handsOver } = this.#context.options;
    this.#context.logger.info("reloading: starting new processes");
    const steps = handsOver
      ? this.#places.map((place) => [place])
      : [this.#places];
    const renewed: string[] = [];
    for (const places of steps) {
      const fault = await this.#renew(places);
      if (this.#context.stopping()) return;
      if (fault !== undefined) {
        const stay = renewed.length === 0
          ? "the old processes stay"
          : `${renewed.join(", ")} ${
            renewed.length === 1 ? "has" : "have"
          } the new code, the others stay as they are until the next HUP`;
        this.#context.logger.error(`reload failed, ${stay}: ${fault}`);
        return;
      }
      renewed.push(...places.map(({ child }) => child!.name));
    }
    this.#context.logger.info(
      "reloaded: the new processes are ready, the old leave",
    );
  }

  // Puts new children into some places; answers why that cannot be.
  async #renew(places: readonly Place[]): Promise<string | undefined> {
    const { handsOver } = this.#context.options;
    const early = handsOver ? await this.#notYet(places) : undefined;
    if (this.#context.stopping() || early !== undefined) return early;
    for (const place of places) {
      this.#renewing.set(place, undefined);
      if (!handsOver) continue;
      place.suspend();
      if (place.child) place.child.mayStandStill = true;
    }
    const fresh: WatchedChild[] = [];
    const fault = await this.#bringUp(places, fresh);
    const ends = new Map(this.#renewing);
    this.#renewing.clear();
    for (const { child } of places) if (child) child.mayStandStill = false;
    for (const child of fresh) child.mayStandStill = false;
    if (this.#context.stopping()) return undefined;
    if (fault !== undefined) {
      for (const child of fresh) child.kill("the reload failed", true);
      for (const place of places) this.#stays(place, ends.get(place));
      return fault;
    }
    for (const child of fresh) {
      const place = this.#places[child.index - 1]!;
      const end = ends.get(place);
      const old = place.handOver(child);
      // What of it is left is told by the one that has its place.
      if (end) this.#context.logger.warn(`${old!.name} ended: ${end.how}`);
      else if (old) this.#context.stop(old);
    }
    return undefined;
  }

  // Nobody takes what the child of a place holds, unless it has died, or nobody has that any more.
  #stays(place: Place, end: ChildEnd | undefined): void {
    const { child } = place;
    if (end) this.#context.lose(child!, end);
    else if (child?.given) this.#context.lose(child, GAVE_ALL);
    else if (this.#context.options.handsOver) place.resume();
  }

  // Why nothing can be taken over in some places yet: who has just been started holds nothing.
  async #notYet(places: readonly Place[]): Promise<string | undefined> {
    const { reloadTimeoutMs } = this.#context.options;
    for (const { child } of places) {
      if (!child || child.hasEnded) continue;
      if (!await endedWithin(child.ready, reloadTimeoutMs)) {
        return `${child.name} is not ready yet`;
      }
      if (child.isReady && child.note === undefined) {
        return `${child.name} cannot be asked for what it holds`;
      }
    }
    return undefined;
  }

  // Starts a child for each place; answers why they can't take over.
  async #bringUp(
    places: readonly Place[],
    fresh: WatchedChild[],
  ): Promise<string | undefined> {
    const { reloadTimeoutMs, handsOver = false } = this.#context.options;
    try {
      for (const { index } of places) {
        const child = this.#context.start(index);
        child.mayStandStill = handsOver;
        fresh.push(child);
      }
    } catch (error) {
      return (error as Error).message;
    }
    const fault = await whyNotReady(fresh, reloadTimeoutMs);
    // Those that have got all from the old ones are not ended for being late.
    const haveAll = fresh.every(({ hasEnded }) => !hasEnded) &&
      places.every(({ child }) => child?.given);
    return fault !== undefined && haveAll
      ? await whyNotReady(fresh, reloadTimeoutMs)
      : fault;
  }
}
