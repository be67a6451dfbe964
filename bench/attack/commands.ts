// The commands of the worker that is attacked.

/** The commands of the worker that is attacked. */
export const AttackCmd = {
  /** Answered with its body at once. */
  ECHO: 1,
  /** Answered after 100 ms. */
  SLOW: 2,
  /** Answered with a megabyte. */
  BIG: 3,
  /** Ends the process. */
  POISON: 4,
  /** Never ends, and keeps the event loop for itself. */
  ENDLESS: 5,
  /** Answered with nothing at once. */
  SINK: 6,
  /** A message to users. */
  MESSAGE: 100,
} as const;
