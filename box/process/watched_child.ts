// WatchedChild: all that a master knows of one child.

import type { Child, ChildEnd } from "./child.ts";
import { BEAT_MS, type ControlMessage } from "./control.ts";

// A child that has not been heard of for so long is not shown as one that works.
const SILENT_MS = 3000;

/** All that a master knows of one child. */
export class WatchedChild {
  /** Its number, from 1; its successor has the same. */
  readonly index: number;
  /** Resolves with true when it has said that it is ready, with false when it has ended before. */
  readonly ready: Promise<boolean>;
  /** Resolves with how it ended. */
  readonly ended: Promise<ChildEnd>;
  /** Why it does not do its work yet, where it has told. */
  waiting: string | undefined;
  /** What it has left for those that come after it. */
  note: string | undefined;
  /** Whether it has handed all that it held to another. */
  given = false;
  /**
   * Whether it may stand still for as long as it takes: it hands over what it holds, or takes that.
   */
  mayStandStill = false;
  /** What it has counted, as it is in JSON; `undefined` until it has told. */
  stats: unknown;
  readonly #child: Child;
  #setReady!: (ready: boolean) => void;
  #isReady = false;
  #hears = false;
  #hasEnded = false;
  #killed: ChildEnd | undefined;
  #killTimer: ReturnType<typeof setTimeout> | undefined;
  #killAt = Infinity;
  // Looks of the master since its last sign of life; undefined until the first one.
  #quietLooks: number | undefined;

  /** Begins to watch a child that was started just now. */
  constructor(index: number, child: Child) {
    this.index = index;
    this.#child = child;
    this.ready = new Promise((resolve) => this.#setReady = resolve);
    this.ended = child.ended.then((end) => this.#onEnd(end));
  }

  /** What it is called in logs. */
  get name(): string {
    return this.#child.name;
  }

  /** By which it is known on its line to the master. */
  get token(): string {
    return this.#child.token;
  }

  /** Whether it has ended. */
  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** Whether its event loop seems to stand still: it was heard of once, and not for 3 s now. */
  get silent(): boolean {
    return this.quietMs > SILENT_MS;
  }

  /** Whether it has begun its work, and its line has not ended. */
  get isReady(): boolean {
    return this.#isReady;
  }

  /**
   * Whether what other children tell is of use to it: it has begun its work, or is about to take
   * that of another.
   */
  get hears(): boolean {
    return this.#isReady || this.#hears;
  }

  /** Whether it does its work. */
  get working(): boolean {
    return this.#isReady && !this.silent;
  }

  // Looks are counted, not clocks compared: a master that was itself suspended must not take its
  // children for dead.
  /** Milliseconds since its last sign of life; 0 until the first one. */
  get quietMs(): number {
    return (this.#quietLooks ?? 0) * BEAT_MS;
  }

  /** The master looks, once each `BEAT_MS`. */
  look(): void {
    if (this.#quietLooks === undefined) return;
    this.#quietLooks = this.mayStandStill ? 0 : this.#quietLooks + 1;
  }

  /** It has told something, and so given a sign of life. */
  heard(
    { ready, stats, waiting, given, mark, note }: ControlMessage,
  ): void {
    this.#quietLooks = 0;
    if (mark) this.#hears = true;
    if (note !== undefined) this.note = note;
    if (given) this.given = true;
    if (waiting !== undefined) this.waiting = waiting;
    if (stats !== undefined) this.stats = stats;
    if (!ready) return;
    this.#isReady = true;
    this.#setReady(true);
  }

  /** Its line to the master has ended: it works no more, and gives no more signs of life. */
  lineGone(): void {
    this.#isReady = this.#hears = false;
    this.#quietLooks = undefined;
    this.#child.lineGone();
  }

  /** Asks it to leave in order; kills it when it has not after `timeoutMs`. */
  stop(timeoutMs: number): void {
    if (this.#hasEnded) return;
    this.#child.leave();
    this.killAfter(timeoutMs);
  }

  /** Kills it when it has not ended after `timeoutMs`; of several calls the soonest counts. */
  killAfter(timeoutMs: number): void {
    const killAt = performance.now() + timeoutMs;
    if (this.#hasEnded || killAt >= this.#killAt) return;
    this.#killAt = killAt;
    clearTimeout(this.#killTimer);
    this.#killTimer = setTimeout(
      () => this.kill(`it did not stop within ${timeoutMs} ms`),
      timeoutMs,
    );
  }

  /**
   * Kills it.
   *
   * @param clean Whether that is in order: it was not wanted any more.
   */
  kill(why: string, clean = false): void {
    this.#killed ??= { how: `killed: ${why}`, clean };
    this.#child.kill(why);
  }

  #onEnd(end: ChildEnd): ChildEnd {
    this.#hasEnded = true;
    this.#isReady = this.#hears = false;
    clearTimeout(this.#killTimer);
    this.#setReady(false);
    return this.#killed ?? end;
  }
}
