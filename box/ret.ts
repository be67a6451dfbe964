// The return codes of the system.

/**
 * The return codes that the system itself gives; an application's own are positive, 0 is success.
 */
export const RET = {
  /** No route for the command. */
  INVALID_CMD: -10000,
  /** The handler threw. */
  INTERNAL: -10001,
  /** The worker was lost and the task may not be delivered again. */
  WORKER_LOST: -10002,
  /** Refused because of load or a limit. */
  BUSY: -10003,
  /** The body is not what the handler reads, JSON for instance. */
  BAD_REQUEST: -10004,
} as const;
