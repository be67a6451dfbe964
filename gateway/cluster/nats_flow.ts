// NatsFlow: how much a connection of a NATS bus has been given that the server may not have got,
// and for how long.

/** Milliseconds between two looks. */
export const LOOK_MS = 250;
/** Looks after which a server that has not answered gives no sign of life: two seconds. */
export const LATE_LOOKS = 8;

// Of so many bytes the server is asked at once whether it has got them.
const ASK_BYTES = 256 * 1024;

/** What {@linkcode NatsFlow} needs. */
export interface NatsFlowOptions {
  /** Bytes that may be on their way. */
  readonly bytesMax: number;
  /** Resolves when the server has got all that it was sent before. */
  readonly flush: () => Promise<void>;
  /** The server gives no sign of life, or does so again. */
  readonly onLate: (isLate: boolean) => void;
}

/**
 * How much a connection has been given that the server may not have got yet. The server is asked at
 * most once at a time, and nobody waits for its answer.
 */
export class NatsFlow {
  readonly #options: NatsFlowOptions;
  // What the server has not answered for: of the question that is open, and since.
  #askedBytes = 0;
  #askedMessages = 0;
  #bytes = 0;
  #messages = 0;
  #isAsking = false;
  // Looks, not milliseconds: a process that was stopped itself would take the server for silent.
  #looks = 0;

  /** Nothing is on its way. */
  constructor(options: NatsFlowOptions) {
    this.#options = options;
  }

  /** Bytes that are on their way. */
  get bytes(): number {
    return this.#askedBytes + this.#bytes;
  }

  /** The messages that these are. */
  get messages(): number {
    return this.#askedMessages + this.#messages;
  }

  /** Whether the server gives no sign of life. */
  get isLate(): boolean {
    return this.#looks >= LATE_LOOKS;
  }

  /** For how many looks the server has owed an answer. */
  get looks(): number {
    return this.#looks;
  }

  /** Whether a message of that length may be sent. */
  hasRoomFor(bytes: number): boolean {
    return this.bytes + bytes <= this.#options.bytesMax;
  }

  /** A message was sent. */
  sent(bytes: number): void {
    this.#bytes += bytes;
    this.#messages++;
    this.#askAfterMuch();
  }

  /** To be called every `LOOK_MS`. */
  look(): void {
    if (!this.#isAsking) return this.#ask();
    if (++this.#looks === LATE_LOOKS) this.#options.onLate(true);
  }

  #ask(): void {
    if (this.#isAsking) return;
    this.#isAsking = true;
    this.#askedBytes = this.#bytes;
    this.#askedMessages = this.#messages;
    this.#bytes = this.#messages = 0;
    // It is rejected when the connection has ended, and this with it.
    this.#options.flush().then(() => this.#answered(), () => {});
  }

  #answered(): void {
    const wasLate = this.isLate;
    this.#isAsking = false;
    this.#askedBytes = this.#askedMessages = 0;
    this.#looks = 0;
    if (wasLate) this.#options.onLate(false);
    this.#askAfterMuch();
  }

  #askAfterMuch(): void {
    if (this.#bytes >= ASK_BYTES) this.#ask();
  }
}
