// TableStore: what outlives every worker. Documents with versions, several of which are changed
// together or not at all, and a list of those whose time has come.

/** A document as it was read. */
export interface Versioned<T> {
  /** Grows with each change; 0 = there is none. */
  readonly version: number;
  /** What it holds; undefined when there is none. */
  readonly value: T | undefined;
}

/** A change of a document. */
export interface Change {
  /** Its key. */
  readonly key: string;
  /** The version that the change was worked out from. */
  readonly version: number;
  /** What it holds then, as JSON; undefined = is removed. */
  readonly value: unknown;
  /** When somebody has to look after it, ms since 1970; undefined = never. */
  readonly due?: number | undefined;
}

/** Where tables, players and the hall are kept. */
export interface TableStore extends AsyncDisposable {
  /** Reads a document. */
  read<T>(key: string): Promise<Versioned<T>>;
  /**
   * Changes documents, all of them or none.
   *
   * @returns false when one of them has another version by now: nothing was changed, and all has to
   * be read and worked out again.
   */
  commit(changes: readonly Change[]): Promise<boolean>;
  /**
   * Documents whose time has come. They are due again at `again` unless they are changed before:
   * who takes them may die, and they come to another one.
   */
  takeDue(now: number, again: number, limit: number): Promise<string[]>;
}
