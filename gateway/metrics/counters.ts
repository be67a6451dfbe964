// What a gateway counts.

import type { TaskCmd } from "@maple/box";
import type {
  AddressCause,
  CloseKind,
  HandshakeStep,
  RateKind,
} from "@maple/box/internal";
import type { NotCarried } from "../cluster/bus.ts";
import type { OuterTransport } from "../outer/outer_transport.ts";

/** Frames of workers and triggers for a client that were dropped, by cause. */
export interface DroppedAnswers {
  /** The client was gone. */
  gone: number;
  /** The client was one of another life of the gateway. */
  tag: number;
  /** The client does not read; it is closed. */
  outbox: number;
}

/** Joins of groups that were refused, by cause. */
export interface RefusedJoins {
  /** The client was in `groupsPerClient` groups. */
  clientFull: number;
  /** There were `groupsMax` groups. */
  full: number;
}

/** How often the queue was full, by what it was full of. */
export interface QueueStops {
  /** `queueMax` tasks. */
  tasks: number;
  /** `queueBytes` bytes. */
  bytes: number;
  /** `newsMax` news of clients; no client is let in then. */
  news: number;
}

/** Clients that were to move when the gateway left, by what was done with them. */
export interface Moves {
  /** They were asked to. */
  asked: number;
  /** They were asked, and closed since they were still there after `moveTimeout`. */
  late: number;
  /** They were closed, since they had not told that they know `moveCmd`. */
  closed: number;
}

/** Receipts that workers and triggers got, by what they told. */
export interface ReceiptOutcomes {
  /** What was sent reached somebody, or was done. */
  reached: number;
  /** Nobody was there. */
  nobody: number;
  /** It was the answer to a question. */
  answered: number;
  /** Nothing was done: the body made no sense, or there was no room. */
  refused: number;
}

/** Connections to the inner port that were not let in, by cause. */
export interface UnprovenVisitors {
  /** Their proof fits no secret of the role. */
  secret: number;
  /** There is no secret of the role. */
  role: number;
  /** They sent something else than a proof. */
  frame: number;
  /** They had proven nothing after 5 seconds. */
  late: number;
  /** They left before. */
  left: number;
  /** They had proven nothing when others came and there was no room. */
  room: number;
  /** There are no secrets, and they do not come from one of `innerOpen`. */
  address: number;
}

/** Messages of other gateways that were dropped, by cause. */
export interface DroppedMessages {
  /** A piece of one was missing. */
  gap: number;
  /** There was no room for it. */
  room: number;
  /** It is none that this version of the gateway knows. */
  unknown: number;
  /** What it says makes no sense. */
  bad: number;
  /**
   * A command for which there was no room while those before it, which the same gateway has passed
   * on, were not done: `fanOutBytes` of them wait.
   */
  waiting: number;
}

/** What workers and triggers can ask a gateway to do: the names of the Task's commands. */
export type InnerCommand = Exclude<
  keyof typeof TaskCmd,
  | "CLIENT_REQ"
  | "CLIENT_CREATED"
  | "CLIENT_CLOSED"
  | "CHALLENGE"
  | "PROOF"
  | "GREETING"
  | "RECEIPT"
>;

/** The totals of a gateway, all since its start. */
export interface GatewayCounters {
  /** Client connections accepted. */
  clientsAccepted: number;
  /** The same by transport: what carries the frames. */
  acceptedOver: Record<OuterTransport, number>;
  /** Connections that did not get to their frames, by what they did not get through. */
  handshakesRefused: Record<HandshakeStep, number>;
  /** Client connections closed at once, since `connsMax` was reached. */
  clientsRefused: number;
  /** Client connections closed at once for their address, by cause. */
  refusedByAddress: Record<AddressCause, number>;
  /** Client connections that ended, by cause. */
  clientsClosed: Record<CloseKind, number>;
  /** Closed clients that had not read all when `linger` was over. */
  clientsCut: number;
  /** Connections of workers and triggers closed at once, since `innerConnsMax` was reached. */
  innerRefused: number;
  /** Connections to the port of workers and triggers that proved nothing, by cause. */
  innerUnproven: UnprovenVisitors;
  /** Frames of workers and triggers that were ignored, since their role may not send such. */
  innerForbidden: number;
  /** Connections of workers and triggers that ended, by cause. */
  innerClosed: Record<CloseKind, number>;
  /**
   * Frames of workers and triggers that were for this gateway, by command, those included that
   * others of its cluster have passed on; signs of life are not counted.
   */
  innerFrames: Record<InnerCommand, number>;
  /**
   * Connections that the system did not hold for us, since a listener's backlog was full: of all
   * listeners on this machine, as Linux counts them; 0 where the system does not tell.
   */
  backlogOverflows: number;
  /** Frames that came from clients, without heartbeats. */
  clientFrames: number;
  /** Bytes of these. */
  clientBytes: number;
  /** Boxes of clients that were answered here: those of `heartbeatCmd`. */
  heartbeats: number;
  /** Times that a client was not read from, with `clientQueueMax` frames of it unfinished. */
  clientPauses: number;
  /**
   * Times that a client was not read from for a while, or closed, since it sent more than
   * `clientRate` or `clientBytesRate` allow.
   */
  ratesExceeded: Record<RateKind, number>;
  /** Times that the queue was full, by what it was full of; triggers wait then. */
  queueStops: QueueStops;
  /** Asks of workers that were ignored, since they had asked for `creditsMax` tasks. */
  asksIgnored: number;
  /** Tasks handed out, repetitions included. */
  delivered: number;
  /** Tasks that workers acknowledged. */
  acknowledged: number;
  /**
   * Tasks handed out to a worker that held others of the same client, to be run after these; see
   * `chainMax`.
   */
  chained: number;
  /** Chains: how often a worker that held a task of a client got a second one behind it. */
  chainsBegun: number;
  /** Chains of which what was not begun was to come back: their client changed, or it took long. */
  chainsRecalled: number;
  /** Tasks of these that came back before they were begun, and were handed out anew or dropped. */
  givenBack: number;
  /** Tasks handed out again after their worker was lost. */
  redelivered: number;
  /** Tasks given up after `maxDeliveries`; the client got `RET.WORKER_LOST`. */
  givenUp: number;
  /** Tasks given up after `parkTime`; the client got `RET.BUSY`. */
  expired: number;
  /**
   * Requests answered with `RET.BUSY` at once, since not even one of each client fits into the
   * queue.
   */
  refused: number;
  /** Requests dropped since their client was gone. */
  gone: number;
  /** Clients of which no worker was told, since they came and went before one asked. */
  newsDropped: number;
  /** Tasks dropped by `CLEAR_CLIENT_TASKS`. */
  cleared: number;
  /** Tasks of workers dropped because the queue was twice full. */
  innerDropped: number;
  /** Tasks that were not finished when the gateway left, `drainTimeout` after it was told to. */
  abandoned: number;
  /** Clients that were to move when the gateway left, by what was done with them. */
  moves: Moves;
  /** Answers written to clients. */
  answers: number;
  /** Bytes of these, and of messages to users. */
  answerBytes: number;
  /** Frames of workers and triggers for a client that were dropped, by cause. */
  answersDropped: DroppedAnswers;
  /** Messages to users: rows of `WRITE_TO_USERS`. */
  userMessages: number;
  /** Deliveries that these made. */
  userDeliveries: number;
  /** Messages to groups: rows of `WRITE_TO_GROUPS`. */
  groupMessages: number;
  /** Deliveries that these made. */
  groupDeliveries: number;
  /** Joins of groups that were refused, by cause. */
  groupsRefused: RefusedJoins;
  /** Times that a message to many had to wait, and its sender: `fanOutBytes` were on their way. */
  fanOutWaits: number;
  /** Receipts that workers and triggers got, by what they told. */
  receipts: ReceiptOutcomes;
  /** Messages that were passed on to other gateways of the cluster. */
  clusterPassedOn: number;
  /** Messages for them that were not passed on, by cause. */
  clusterNotPassedOn: NotCarried;
  /** Messages that came from them. */
  clusterReceived: number;
  /** Messages from them that were dropped, by cause. */
  clusterDropped: DroppedMessages;
  /** Gateways of the cluster that vanished without a word. */
  clusterLost: number;
  /** Tasks that workers of other gateways were given, since there was none here. */
  lent: number;
  /** Receipts and answers that lack the part of a gateway, which did not tell within a second. */
  clusterMissing: number;
  /** Users logged out here, since they have logged in at another gateway. */
  clusterMoved: number;
  /**
   * Frames of workers and triggers that made no sense: an unknown command or a body that cannot be
   * read.
   */
  badCommands: number;
  /**
   * Errors of the process that nobody has handled: unhandled rejections, throws outside of any
   * handler.
   */
  unhandledErrors: number;
  /** Lines of the process's log that were dropped because they were not written fast enough. */
  logLinesDropped: number;
  /** Times that another process has taken the place of the one before. */
  handovers: number;
}

/** The names of all counters. */
export type CounterName = keyof GatewayCounters;
