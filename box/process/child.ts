// Child: what a master starts, a process or a thread.

/** A process or a thread that a master has started. */
export interface Child {
  /** By which it is known on its line to the master. */
  readonly token: string;
  /** What it is called in logs: `worker 2 (pid 4711)`. */
  readonly name: string;
  /** Resolves with how it ended. */
  readonly ended: Promise<ChildEnd>;
  /** Tells that its line to the master has ended. */
  lineGone(): void;
  /** Asks it to leave in order. */
  leave(): void;
  /**
   * Ends it at once.
   *
   * @param why For logs.
   */
  kill(why: string): void;
}

/** How a child ended. */
export interface ChildEnd {
  /** For logs: `exit code 1`. */
  readonly how: string;
  /** Whether it left in order. */
  readonly clean: boolean;
  /** Its exit code, 128 and the number of a signal that has ended it; of a process. */
  readonly code?: number;
}

/** What a new child is told. */
export interface ChildStart {
  /** Its number, from 1; its successor has the same. */
  readonly index: number;
  /** Where its master waits for its line. */
  readonly controlPort: number;
  /** What children before it have left for those that come after them. */
  readonly note?: string | undefined;
}
