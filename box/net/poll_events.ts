// PollEvents: what `epoll` tells and is told, in the memory layout of the system.

/** A `struct epoll_event` has 12 bytes where it is packed, on x86-64, and 16 elsewhere. */
export const EVENT_WORDS: number = Deno.build.arch === "x86_64" ? 3 : 4;
/** Bytes that hold one, on either. */
export const EVENT_BYTES_MAX = 16;

/** What `epoll` tells of a descriptor, and what it is asked for. */
export const Poll = {
  in: 1,
  out: 4,
  error: 8,
  hangUp: 16,
} as const;

/** What is done with a descriptor in an `epoll`. */
export const PollOperation = { add: 1, remove: 2, change: 3 } as const;

/** What is ready, as `epoll` tells it. */
export class PollEvents {
  /** How many there is room for. */
  readonly max: number;
  /** The array of `struct epoll_event`, for the system. */
  readonly words: Uint32Array<ArrayBuffer>;

  /**
   * Makes room.
   *
   * @param max For how many.
   */
  constructor(max: number) {
    this.max = max;
    this.words = new Uint32Array(max * EVENT_WORDS);
  }

  /** What is told of a descriptor, of {@linkcode Poll}. */
  events(index: number): number {
    return this.words[index * EVENT_WORDS]!;
  }

  /** The descriptor. */
  descriptor(index: number): number {
    // What the user gave stands behind the events, or behind the gap after them, as 64 bits.
    return this.words[(index + 1) * EVENT_WORDS - 2]!;
  }

  /** Which of those that had this descriptor is meant. */
  generation(index: number): number {
    return this.words[(index + 1) * EVENT_WORDS - 1]!;
  }

  /** Sets one. */
  set(
    index: number,
    { events, descriptor, generation }: {
      events: number;
      descriptor: number;
      generation: number;
    },
  ): void {
    this.words[index * EVENT_WORDS] = events;
    this.words[(index + 1) * EVENT_WORDS - 2] = descriptor;
    this.words[(index + 1) * EVENT_WORDS - 1] = generation;
  }
}
