// The gateway's counters.

import type { CloseKind, HistogramData } from "@maple/box/internal";
import type { WorkerIdentity } from "../inner/inner_link.ts";
import type { CommandStats } from "./measures.ts";

/** Frames of workers and triggers for a client that were dropped, by cause. */
export interface DroppedAnswers {
  /** The client was gone. */
  gone: number;
  /** The client was one of another life of the gateway. */
  tag: number;
  /** The client does not read; it is closed. */
  outbox: number;
}

/** What is known of one worker connection. */
export interface WorkerStats extends WorkerIdentity {
  /** Its address and port. */
  address: string;
  /** Tasks that it has asked for and not yet got. */
  credits: number;
  /** Tasks that it holds. */
  inHand: number;
  /** Tasks that it has acknowledged. */
  done: number;
  /** Seconds since it connected. */
  connectedSeconds: number;
  /** Seconds since its last frame. */
  seenSeconds: number;
}

/** What a gateway counts; see `Gateway.stats`. All totals are since its start. */
export interface GatewayStats {
  /** Client connections now. */
  clients: number;
  /** Client connections at most. */
  clientsPeak: number;
  /** Client connections accepted. */
  clientsAccepted: number;
  /** Client connections closed at once, since `connsMax` was reached. */
  clientsRefused: number;
  /** Client connections that ended, by cause. */
  clientsClosed: Record<CloseKind, number>;
  /** Users logged in now. */
  users: number;
  /** Connections of workers and triggers now. */
  innerLinks: number;
  /** Those of them that have asked for a task. */
  workers: number;
  /** Connections of workers and triggers closed at once, since `innerConnsMax` was reached. */
  innerRefused: number;
  /** Tasks that workers have asked for and not yet got. */
  idleCredits: number;
  /** Tasks that wait now. */
  queued: number;
  /** Tasks that waited at most. */
  queuedPeak: number;
  /** Bytes that the waiting tasks take. */
  queuedBytes: number;
  /** Tasks that workers hold. */
  inHand: number;
  /** Frames that came from clients. */
  clientFrames: number;
  /** Bytes of these. */
  clientBytes: number;
  /** Tasks handed out, repetitions included. */
  delivered: number;
  /** Tasks that workers acknowledged. */
  acknowledged: number;
  /** Tasks handed out again after their worker was lost. */
  redelivered: number;
  /** Tasks given up after `maxDeliveries`; the client got `RET.WORKER_LOST`. */
  givenUp: number;
  /** Tasks given up after `parkTime`; the client got `RET.BUSY`. */
  expired: number;
  /** Tasks dropped by `CLEAR_CLIENT_TASKS`. */
  cleared: number;
  /** Tasks of workers dropped because the queue was twice full. */
  innerDropped: number;
  /** Answers written to clients. */
  answers: number;
  /** Bytes of these. */
  answerBytes: number;
  /** Frames of workers and triggers for a client that were dropped, by cause. */
  answersDropped: DroppedAnswers;
  /** Messages to users: rows of `WRITE_TO_USERS`. */
  userMessages: number;
  /** Deliveries that these made. */
  userDeliveries: number;
  /**
   * Frames of workers and triggers that made no sense: an unknown command or a body that cannot be
   * read.
   */
  badCommands: number;
  /** Seconds that the next task to be handed out has waited; 0 when none waits. */
  oldestSeconds: number;
  /** Seconds that tasks have waited for a worker. */
  queueTime: HistogramData;
  /** Seconds from the delivery of a task to its acknowledgement. */
  workTime: HistogramData;
  /** Requests by command: the 50 that came most often, and the others as one. */
  commands: CommandStats[];
  /** The workers, one by one. */
  workerLinks: WorkerStats[];
  /** Seconds by which the event loop was late, at most, in the last second. */
  loopDelay: number;
  /** Bytes of memory of the process. */
  rss: number;
  /** Seconds since the gateway began to listen. */
  uptime: number;
  /** The process id. */
  pid: number;
  /**
   * What the gateway does: `new` before it listens, `serving`, `draining` while it leaves,
   * `closed`.
   */
  state: "new" | "serving" | "draining" | "closed";
}

/**
 * The counters that are counted one by one; the rest of {@linkcode GatewayStats} is read off the
 * gateway when asked for.
 */
export class Counters {
  /** See {@linkcode GatewayStats}. */
  clientsPeak = 0;
  /** See {@linkcode GatewayStats}. */
  clientsAccepted = 0;
  /** See {@linkcode GatewayStats}. */
  clientsRefused = 0;
  /** See {@linkcode GatewayStats}. */
  readonly clientsClosed: Record<CloseKind, number> = {
    peer: 0,
    local: 0,
    frame: 0,
    idle: 0,
    outbox: 0,
    error: 0,
  };
  /** See {@linkcode GatewayStats}. */
  innerRefused = 0;
  /** See {@linkcode GatewayStats}. */
  clientFrames = 0;
  /** See {@linkcode GatewayStats}. */
  clientBytes = 0;
  /** See {@linkcode GatewayStats}. */
  expired = 0;
  /** See {@linkcode GatewayStats}. */
  cleared = 0;
  /** See {@linkcode GatewayStats}. */
  innerDropped = 0;
  /** See {@linkcode GatewayStats}. */
  answers = 0;
  /** See {@linkcode GatewayStats}. */
  answerBytes = 0;
  /** See {@linkcode GatewayStats}. */
  readonly answersDropped: DroppedAnswers = { gone: 0, tag: 0, outbox: 0 };
  /** See {@linkcode GatewayStats}. */
  userMessages = 0;
  /** See {@linkcode GatewayStats}. */
  userDeliveries = 0;
  /** See {@linkcode GatewayStats}. */
  badCommands = 0;
}
