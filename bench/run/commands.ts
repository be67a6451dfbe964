// The commands that the benchmarks' worker knows.

/** The commands. */
export const Cmd = {
  /** Answers with the body that came. */
  ECHO: 1,
  /** Logs in with the uid of the body. */
  LOGIN: 2,
  /** Computes for {@linkcode BURN_US}. */
  BURN: 3,
  /** Sends a message to the user 1. */
  TO_ONE: 4,
  /** Sends a message to the first {@linkcode USERS_SOME} users. */
  TO_SOME: 5,
  /** Sends a message to all users. */
  TO_ALL: 6,
  /** That message. */
  MESSAGE: 100,
} as const;

/** Tasks that a worker asks for at a time where nothing else is said: its default. */
export const CONCURRENCY = 64;

/** How long a handler computes, in microseconds. */
export const BURN_US = 200;

/** How many users get a message of `TO_SOME`. */
export const USERS_SOME = 1000;
