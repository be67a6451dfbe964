// The commands of the programs that are fuzzed.

/** The commands of the worker and the haven server that are fuzzed. */
export const FuzzCmd = {
  /** Answered with its body. */
  ECHO: 1,
  /** Logs in as the `uid` of its body. */
  LOGIN: 2,
  /** From a trigger: the body goes on to the user it is about. */
  PASS_ON: 3,
  /** Answered after 20 ms. */
  SLOW: 4,
  /** Answered with 50 KB. */
  BIG: 5,
  /** Closes its client. */
  CLOSE: 6,
  /** Logs out. */
  LOGOUT: 7,
  /** Drops what waits of its client. */
  CLEAR: 8,
  /** Sends an echo to a worker. */
  INNER: 9,
  /** Answered with what a worker knows of the connection: its number and the gateway's tag. */
  WHO: 10,
  /** Answered by the server itself. */
  HEARTBEAT: 77,
} as const;

/** What users get by themselves. */
export const NEWS_CMD = 100;
