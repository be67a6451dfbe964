// BaseStateReader: what gateway and haven server do alike when they read what another process has
// held: how it comes, and how its times become their own.

import type { DescriptorIo } from "../net/server_io.ts";
import type { ReadRecord, RecordValues } from "../records.ts";
import { type StateHead, StateInput } from "./state_input.ts";
import type { StateTaker } from "./state_sink.ts";

// What a process that stood still for a moment cannot have missed.
const ELAPSED_MAX_MS = 60_000;
const STEPS = ["quietSteps", "slowSteps"];

/** What a header tells of the clocks of the process that has written it. */
export interface StateClocks {
  /** When nothing moved any more: its `performance.now()`. */
  readonly now: number;
  /** The same as the time of day, `Date.now()`. */
  readonly wall: number;
  /** Milliseconds of a step of the watch of clients; 0 = none. */
  readonly watchStepMs: number;
}

/** Where a state is read. */
export interface StateReaderOptions<H> {
  /** Where its sockets belong from now on. */
  readonly io: DescriptorIo;
  /** Why it cannot be taken; asked before anything of it is. */
  readonly whyNot: (header: H) => string | undefined;
  /** Milliseconds of a step of the own watch of clients; 0 = none. */
  readonly watchStepMs: () => number;
}

/** Puts into the parts of a server what another process has held, as it comes. */
export abstract class BaseStateReader<H extends StateHead & StateClocks>
  implements StateTaker {
  /** What comes. */
  protected readonly input: StateInput<H>;
  #shift: number | undefined;
  #stepFactor = 1;
  readonly #watchStepMs: () => number;

  /** Nothing has come yet. */
  constructor(options: StateReaderOptions<H>) {
    const { io, whyNot, watchStepMs } = options;
    this.#watchStepMs = watchStepMs;
    this.input = new StateInput({
      io,
      onHeader: (header) => {
        const why = whyNot(header);
        if (why !== undefined) throw new Error(why);
        const shift = this.takeClocks(header);
        this.takeHeader(header);
        return shift;
      },
      onRecord: (record) => this.takeRecord(record),
    });
  }

  /** The header; undefined before it has come. */
  get header(): H | undefined {
    return this.input.header;
  }

  /** What is added to times. */
  get shift(): number {
    return this.#shift ?? 0;
  }

  /** The descriptors of its listeners. */
  get listeners(): readonly number[] {
    return this.input.listeners;
  }

  /** Some more descriptors. */
  descriptors(descriptors: readonly number[]): void {
    this.input.descriptors(descriptors);
  }

  /** Some more bytes. */
  bytes(bytes: Uint8Array): void {
    this.input.bytes(bytes);
  }

  /** All has come. */
  end(): void {
    this.input.end();
  }

  /** Lets go of all sockets, which whoever has brought them closes: it is not taken after all. */
  release(): void {
    this.input.release();
  }

  /**
   * Takes the clocks of the other process, which are those of all that comes of it, and gives what
   * is added to times.
   */
  protected takeClocks({ now, wall, watchStepMs }: StateClocks): number {
    if (this.#shift !== undefined) return this.#shift;
    const elapsed = Math.max(0, Date.now() - wall);
    this.#stepFactor = watchStepMs / (this.#watchStepMs() || Infinity);
    return this.#shift = performance.now() - now -
      Math.min(elapsed, ELAPSED_MAX_MS);
  }

  /** Takes what the header has of the parts. */
  protected abstract takeHeader(header: H): void;

  /** Takes a record. */
  protected abstract takeRecord(record: ReadRecord): void;

  /** The steps of a client's record become those of the own watch. */
  protected ownSteps(values: RecordValues): void {
    const factor = this.#stepFactor;
    if (factor === 1) return;
    for (const name of STEPS) {
      values[name] = Math.round(Number(values[name]) * factor);
    }
  }
}
