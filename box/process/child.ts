// Child: what a master starts and watches, a process or a thread.

/** What a master starts and watches. */
export interface Child {
  /** Its number, from 1; its successor has the same. */
  readonly index: number;
  /** By which it is known on its line to the master. */
  readonly token: string;
  /** When it was started, in milliseconds of `performance.now()`. */
  readonly startedAt: number;
  /** Resolves with true when it has said that it is ready, with false when it has ended before. */
  readonly ready: Promise<boolean>;
  /** Resolves with how it ended, for logs. */
  readonly ended: Promise<string>;
  /** What it is called in logs. */
  readonly name: string;
  /** Looks of the master since its last sign of life; undefined until the first one. */
  quietLooks: number | undefined;
  /** Tells that it is ready. */
  setReady(): void;
  /** Tells that its line to the master has ended. */
  lineGone(): void;
  /** Asks it to leave in order; kills it when it has not after `timeoutMs`. */
  stop(timeoutMs: number): void;
  /** Kills it. */
  kill(why: string): void;
}

/** What a new child is told. */
export interface ChildStart {
  /** Its number, from 1. */
  readonly index: number;
  /** Where its master waits for its line. */
  readonly controlPort: number;
}
