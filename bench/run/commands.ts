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
  /** Logs in with the uid of the body, and joins two of {@linkcode GROUPS_MANY} groups. */
  JOIN_MANY: 7,
  /** The same with {@linkcode GROUPS_FEW}; only as many join as make three of each. */
  JOIN_FEW: 8,
  /** Answers by a message to a group that the client has joined by `JOIN_MANY`. */
  TO_GROUP_MANY: 9,
  /** The same for one of `JOIN_FEW`. */
  TO_GROUP_FEW: 10,
  /** That message. */
  MESSAGE: 100,
} as const;

/** Tasks that a worker asks for at a time where nothing else is said: its default. */
export const CONCURRENCY = 64;

/** How long a handler computes, in microseconds. */
export const BURN_US = 200;

/** How many users get a message of `TO_SOME`. */
export const USERS_SOME = 1000;

/** How many groups there are, of three members each. */
export const GROUPS_MANY = 10_000;

/** How many there are to compare with. */
export const GROUPS_FEW = 10;

/** How many members a group has. */
export const GROUP_SIZE = 3;
