// HandoverPlace: what a haven server needs of its master to take the place of another one, and to
// be replaced.

/** The place of a haven server that one process after the other has. */
export interface HandoverPlace {
  /** Where the process that has the place can be asked; undefined where none has it. */
  readonly from: string | undefined;
  /** Tells the processes that come where this one can be asked. */
  leaveNote(at: string): void;
  /** Tells that all is another process's. */
  gaveAll(): void;
}
