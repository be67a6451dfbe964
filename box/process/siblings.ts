// Siblings: what the children of one master tell each other, by way of the master.

/** What a child wants all others to be told; the master passes it on without looking into it. */
export interface Relay {
  /** Anything that JSON can say. */
  readonly message: unknown;
  /** Whether the child itself wants it back, in its order among what the others tell. */
  readonly echo?: boolean;
}

/** What a child is told of another one, or of itself. */
export interface Relayed {
  /** What the child has told. */
  readonly message: unknown;
  /** Whether it was this child. */
  readonly own: boolean;
  /** For this child itself: the places in which somebody is at work and may answer; of all. */
  readonly told?: readonly string[];
  /** Which of all that was told it is: what comes later has a greater number. */
  readonly no: number;
}

/**
 * The other children of one's master. All of them get what is told in the same order: that in which
 * it reaches the master.
 */
export interface Siblings {
  /** Which place among the children it has; whoever takes that has the same. */
  readonly id: string;
  /** Called with what was told; set by whoever listens. */
  onRelayed: ((relayed: Relayed) => void) | undefined;
  /** Tells all others; false when the line is gone or has no room for it. */
  tell(relay: Relay): boolean;
  /**
   * Resolves when the master has all that this one has told, and this one all that the master has
   * passed on until then.
   *
   * @returns The number of the last that was told by then, by whomever.
   */
  settle(): Promise<number>;
}

/** Bytes of one message; what is longer is not sent. */
export const MESSAGE_BYTES_MAX: number = 4 * 1024 * 1024;

/**
 * Bytes that may wait on a line. Beyond that nothing more is passed on by it: a child that stands
 * still must not fill the memory of its master.
 */
export const LINE_BYTES_MAX: number = 16 * 1024 * 1024;
