// StateSink: takes what a process hands over, as it comes.

/** Takes what is handed over, as it comes. */
export interface StateSink {
  /** Some more descriptors. */
  descriptors(descriptors: readonly number[]): void;
  /** Some more bytes, which are valid during the call only. */
  bytes(bytes: Uint8Array): void;
}

/** Takes a state as it comes, and can refuse it. */
export interface StateTaker extends StateSink {
  /**
   * All of it has come.
   *
   * @throws {Error} with one line, when it cannot be taken.
   */
  end(): void;
}
