// EpollLoop: an event loop of ours inside of Deno's, on Linux's epoll: it calls whoever has a
// descriptor that is ready.
//
// How it lives beside Deno's. What is ready is served in batches, with a turn of microtasks after
// each, in which what the batch gave to send is written. After a millisecond of that Deno's loop
// has a turn: timers, signals, and whatever else is not ours. When nothing is ready Deno's loop has
// a turn too, and then this one waits, but no longer than all else may be late by it. When nothing
// has come for a while a thread waits instead, and nothing stands still meanwhile; to be woken by
// it takes longer.

import { Poll, PollEvents, PollOperation } from "./poll_events.ts";
import { Errno, type SystemCalls } from "./system_calls.ts";
import { type LoopTurn, OwnConnection } from "./loop_turn.ts";

const EVENTS_PER_BATCH = 128;
// Milliseconds after which Deno's loop has a turn, and after how many events the clock is read.
const TURN_MS = 1;
const EVENTS_PER_LOOK = 16;
// Of thousands that leave at the same moment, so many are seen off until others have their turn.
const LEAVES_PER_BATCH = 16;
// How long all may stand still where nothing is ready.
const WAIT_MS = 1;
// So many waits in which nothing came; then a thread waits.
const WAITS_IN_VAIN = 100;
const THREAD_WAIT_MS = 500;

/** Whoever has a descriptor that an {@linkcode EpollLoop} looks after. */
export abstract class Watched {
  /** What it is asked for, of {@linkcode Poll}; set by the loop. */
  events = 0;
  /** Which of those that had the descriptor it is; set by the loop. */
  generation = 0;
  /** Who looks after it. */
  readonly loop: EpollLoop;
  /** The descriptor. */
  readonly descriptor: number;
  #released = false;

  /**
   * Takes a descriptor over, and asks for nothing yet.
   *
   * @param loop Who looks after it.
   * @param descriptor The descriptor, which belongs to this object from now on.
   */
  constructor(loop: EpollLoop, descriptor: number) {
    this.loop = loop;
    this.descriptor = descriptor;
    loop.onTaken();
  }

  /** Whether the descriptor is closed. */
  get released(): boolean {
    return this.#released;
  }

  /**
   * It is ready, or said to be so: an event may be late, or one of those that nobody has asked for.
   * It must not throw.
   *
   * @param events Of {@linkcode Poll}.
   */
  abstract onReady(events: number): void;
  /** The loop has ended: it is never ready again. */
  abstract onLoopEnd(error: Error): void;
  /** Its turn to leave has come: see {@linkcode EpollLoop.leave}. It must not throw. */
  onLeave(): void {}

  /** Closes the descriptor. Only the first call counts, of this or `forget`. */
  release(): void {
    this.#letGo(true);
  }

  /** Lets go of the descriptor, which somebody else closes. */
  forget(): void {
    this.#letGo(false);
  }

  #letGo(closes: boolean): void {
    if (this.#released) return;
    this.#released = true;
    // Taken out first: a child that is just being started holds a copy of the descriptor for a
    // moment, and as long as there is one the system would go on to tell of it.
    this.loop.ask(this, 0);
    if (closes) this.loop.calls.close(this.descriptor);
    this.loop.onReleased();
  }
}

/** Settings of an {@linkcode EpollLoop}. */
export interface EpollLoopOptions {
  /**
   * Called when it has ended and the last descriptor is closed: it makes no call any more.
   */
  readonly onOver?: () => void;
  /** How Deno's loop has its turn. @default a connection of the process with itself */
  readonly turn?: LoopTurn;
}

/** An event loop on epoll. It runs from its making until it is closed. */
export class EpollLoop {
  /** The calls that it makes. */
  readonly calls: SystemCalls;
  /** Events that came for a descriptor that was closed or given to another meanwhile. */
  lateEvents = 0;
  readonly #events = new PollEvents(EVENTS_PER_BATCH);
  // How many of these there are, and how many were served.
  #count = 0;
  #served = 0;
  // By descriptor: the system gives the lowest free number.
  readonly #watched: (Watched | undefined)[] = [];
  // Who waits for his turn to leave, and how many of these have had it.
  readonly #leaving: Watched[] = [];
  #left = 0;
  // Parts of something long, which have one turn each.
  readonly #parts: (() => void)[] = [];
  #waitsInThread = false;
  readonly #turn: LoopTurn;
  readonly #poll: number;
  readonly #waker: number;
  readonly #running: Promise<void>;
  readonly #onOver: () => void;
  #generation = 0;
  // How many descriptors are not closed yet.
  #taken = 0;
  #ending = false;
  #ended = false;

  /**
   * Makes it, and runs it.
   *
   * @param calls The calls that it makes.
   * @throws {Error} when the system has no descriptor for it.
   */
  constructor(calls: SystemCalls, options: EpollLoopOptions = {}) {
    this.calls = calls;
    this.#onOver = options.onOver ?? (() => {});
    this.#turn = options.turn ?? new OwnConnection(calls);
    this.#poll = calls.createPoll();
    this.#waker = calls.createWaker();
    const failed = Math.min(
      this.#poll,
      this.#waker,
      this.#poll < 0 || this.#waker < 0 ? 0 : calls.control(
        this.#poll,
        PollOperation.add,
        { descriptor: this.#waker, events: Poll.in, generation: 0 },
      ),
    );
    if (failed < 0) {
      this.#closeOwn();
      throw calls.error(-failed);
    }
    this.#running = this.#run();
  }

  /**
   * Sets what a descriptor is asked for, of {@linkcode Poll}; with 0 it is no more looked after,
   * not even for errors.
   *
   * @throws {Error} when the system cannot.
   */
  ask(watched: Watched, events: number): void {
    const { descriptor, events: before } = watched;
    if (events === before) return;
    if (before === 0) {
      if (this.#ending) throw new Error("The event loop has ended");
      // From 1 on: 0 is the waker's.
      this.#generation = (this.#generation + 1) >>> 0 || 1;
      watched.generation = this.#generation;
      this.#watched[descriptor] = watched;
    }
    const operation = before === 0
      ? PollOperation.add
      : events === 0
      ? PollOperation.remove
      : PollOperation.change;
    const { generation } = watched;
    watched.events = events;
    if (events === 0) this.#watched[descriptor] = undefined;
    const failed = this.calls.control(this.#poll, operation, {
      descriptor,
      events,
      generation,
    });
    if (failed === 0 || events === 0) return;
    watched.events = 0;
    this.#watched[descriptor] = undefined;
    throw this.calls.error(-failed);
  }

  /**
   * To be called for whoever wants to leave since the other side has: `onLeave` is called when its
   * turn has come. What a leave costs is many times what a message does.
   */
  leave(watched: Watched): void {
    this.#leaving.push(watched);
  }

  /**
   * Calls `work`, which is a part of something long and must not throw, when all that is ready has
   * been served.
   */
  afterOthers(work: () => void): void {
    // A thread waits since nothing is ready, and would not know of it.
    if (this.#waitsInThread) setTimeout(work);
    else this.#parts.push(work);
  }

  /**
   * Ends it; who is still looked after is told so.
   *
   * @returns When nothing of it runs any more.
   */
  async close(): Promise<void> {
    if (!this.#ending) {
      this.#ending = true;
      this.calls.wake(this.#waker);
    }
    await this.#running;
  }

  async #run(): Promise<void> {
    let error = new Error("The event loop has ended");
    try {
      await this.#serve();
    } catch (cause) {
      error = new Error(
        `The event loop has failed: ${(cause as Error).message}`,
        { cause },
      );
    }
    this.#ending = true;
    this.#letLeave(Infinity);
    for (const watched of this.#watched) watched?.onLoopEnd(error);
    this.#watched.length = 0;
    await this.#closeOwn();
    this.#ended = true;
    this.#settle();
  }

  async #closeOwn(): Promise<void> {
    if (this.#waker >= 0) this.calls.close(this.#waker);
    if (this.#poll >= 0) this.calls.close(this.#poll);
    await this.#turn.close();
  }

  /** For a descriptor that belongs to somebody now. */
  onTaken(): void {
    this.#taken++;
  }

  /** For a descriptor that is closed. */
  onReleased(): void {
    this.#taken--;
    this.#settle();
  }

  #settle(): void {
    if (this.#ended && this.#taken === 0) this.#onOver();
  }

  async #serve(): Promise<void> {
    let inVain = 0;
    let passedAt = -Infinity;
    for (;;) {
      const until = performance.now() + TURN_MS;
      let isLate = false;
      while (!isLate && (this.#look(0) || this.#leaving.length > 0)) {
        inVain = 0;
        isLate = this.#batch(until);
        this.#letLeave(LEAVES_PER_BATCH);
        await null;
        if (this.#ending) return;
      }
      if (performance.now() - passedAt >= TURN_MS) {
        await this.#turn.full();
        passedAt = performance.now();
      } else await this.#turn.quick();
      if (this.#ending) return;
      const part = this.#parts.shift();
      if (part) {
        part();
        await null;
        inVain = 0;
        continue;
      }
      if (isLate) continue;
      if (inVain === WAITS_IN_VAIN) {
        this.#waitsInThread = true;
        await this.calls.waitInThread(this.#poll, THREAD_WAIT_MS);
        this.#waitsInThread = false;
      } else if (!this.#look(WAIT_MS)) inVain++;
      if (this.#ending) return;
    }
  }

  #letLeave(most: number): void {
    const until = Math.min(this.#leaving.length, this.#left + most);
    while (this.#left < until) this.#leaving[this.#left++]!.onLeave();
    if (this.#left < this.#leaving.length) return;
    this.#leaving.length = this.#left = 0;
  }

  // Whether something is ready after at most so many milliseconds.
  #look(ms: number): boolean {
    if (this.#served < this.#count) return true;
    const { calls } = this;
    const count = calls.wait(this.#poll, this.#events, ms);
    // It is interrupted where the process was stopped and goes on.
    if (count < 0 && count !== -Errno.interrupted) throw calls.error(-count);
    this.#count = Math.max(0, count);
    this.#served = 0;
    return count > 0;
  }

  // Serves what is ready; whether it has stopped since it is late, with some still to be served.
  #batch(until: number): boolean {
    while (this.#served < this.#count) {
      this.#dispatch(this.#served++);
      if (
        this.#served % EVENTS_PER_LOOK === 0 && performance.now() >= until
      ) return true;
    }
    return performance.now() >= until;
  }

  // Earlier ones of the batch may have closed a descriptor, and its number may be another's now.
  #dispatch(index: number): void {
    const descriptor = this.#events.descriptor(index);
    const watched = this.#watched[descriptor];
    if (watched && watched.generation === this.#events.generation(index)) {
      watched.onReady(this.#events.events(index));
    } else if (descriptor !== this.#waker) this.lateEvents++;
  }
}
