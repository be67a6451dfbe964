// The format in which a gateway hands all that it holds to the one that takes its place: a header
// of JSON, then records. See the table in the gateway's README.

import {
  ENTERING_FIELDS,
  type Layout,
  layoutOf,
  type LimitsPiece,
  SOCKET_FIELDS,
  type StateClocks,
} from "@maple/box/internal";
import type { ClusterPiece } from "../cluster/cluster.ts";
import { FAR_FIELDS, FAR_MORE } from "../cluster/far_workers.ts";
import {
  GATHERING_FIELDS,
  GATHERING_MORE,
  PART_FIELDS,
} from "../cluster/gatherings.ts";
import type { LoginsPiece } from "../cluster/logins.ts";
import { PIECE_FIELDS } from "../cluster/pieces.ts";
import { LINK_FIELDS, LINK_MORE } from "../inner/inner_link.ts";
import { VISITOR_FIELDS } from "../inner/inner_door.ts";
import type { GatewayCounters } from "../metrics/counters.ts";
import type { MeasuresPiece } from "../metrics/measures.ts";
import type { HandoverStats } from "../metrics/stats.ts";
import { CLIENT_FIELDS, CLIENT_MORE } from "../outer/client_session.ts";
import type { ClientsPiece } from "../outer/clients.ts";
import type { DispatcherPiece } from "../queue/dispatcher.ts";
import { TASK_FIELDS } from "../queue/queued_task.ts";
import type { QueuePiece } from "../queue/task_queue.ts";

/** Marks what one gateway hands to another. */
export const FORMAT = "maple-gateway-handover";

/** Marks the parent of several processes, which are handed over one by one. */
export const PARENT_FORMAT = "maple-gateway-processes";

/** The version that is written. A gateway reads the two before it as well. */
export const FORMAT_VERSION = 3;

/** The first version that can be asked for clients early. */
export const COPIES_SINCE = 3;

/** The oldest version that is read. */
export const OLDEST_VERSION: number = Math.max(1, FORMAT_VERSION - 2);

const DESCRIPTOR = { descriptor: "int" } as const;

/** Which records there are. A socket stands before the link or client that it is of. */
export const LAYOUTS: Readonly<Record<RecordKind, Layout>> = {
  socket: layoutOf(SOCKET_FIELDS, DESCRIPTOR),
  link: layoutOf(LINK_FIELDS, LINK_MORE),
  client: layoutOf(CLIENT_FIELDS, CLIENT_MORE),
  task: layoutOf(TASK_FIELDS, {
    client: "int",
    link: "int",
    where: "text",
    isFront: "flag",
    tellsCreated: "flag",
    tellsClosed: "flag",
    from: "int",
  }),
  handshake: layoutOf(ENTERING_FIELDS, DESCRIPTOR),
  visitor: layoutOf(VISITOR_FIELDS, DESCRIPTOR),
  far: layoutOf(FAR_FIELDS, FAR_MORE),
  gathering: layoutOf(GATHERING_FIELDS, GATHERING_MORE),
  part: layoutOf(PART_FIELDS),
  piece: layoutOf(PIECE_FIELDS),
  kept: [["first", "int"], ["count", "int"]],
};

/** The kinds of records. */
export type RecordKind =
  | "socket"
  | "link"
  | "client"
  | "task"
  | "handshake"
  | "visitor"
  | "far"
  | "gathering"
  | "part"
  | "piece"
  | "kept";

/** A listener that goes along. */
export interface ListenerPiece {
  /** What it is for: a transport of clients, `inner`, or `handover`. */
  readonly name: string;
  /** Where it was to listen. */
  readonly host: string;
  /** The port that it has. */
  readonly port: number;
}

/** What is there, by the names of the limits that bound it. */
export interface Needs {
  /** Clients. */
  connsMax: number;
  /** Workers and triggers. */
  innerConnsMax: number;
  /** Tasks that wait, without news of clients. */
  queueMax: number;
  /** Bytes that these take. */
  queueBytes: number;
  /** Groups. */
  groupsMax: number;
  /** The most groups of one client. */
  groupsPerClient: number;
  /** The most tasks that one worker has asked for. */
  creditsMax: number;
  /** Bytes of the longest task. */
  innerFrameBytes: number;
}

/** Who a gateway is, which the one that takes its place is as well. */
export interface Identity {
  /** The number in every task that tells its life from others. */
  readonly tag: number;
  /** Its own number. */
  readonly nodeId: number;
  /** The fields of the boxes. */
  readonly boxFields: string;
  /** In which order the frames of a client are handed out. */
  readonly order: string;
  /** What its cluster is called; undefined or empty without one. */
  readonly cluster?: string;
}

/** What is told before anything is handed over, and again with it. */
export interface Offer extends Identity {
  /** {@linkcode FORMAT}. */
  readonly format: string;
  /** The version in which all else is written. */
  readonly formatVersion: number;
  /** The version of the gateway. */
  readonly version: string;
  /** Its process. */
  readonly pid: number;
  /** How often it was replaced, from 1. */
  readonly generation: number;
  /** What is there, and what the limits must let in. */
  readonly needs: Needs;
  /** Clients whose connections go on through it: their TLS ends in it. */
  readonly leftBehind: number;
  /** The settings that are in effect, but for secrets. */
  readonly settings: Readonly<Record<string, string | number>>;
  /** Its listeners; their descriptors are the first. */
  readonly listeners: readonly ListenerPiece[];
  /** Those for TLS, which it closes when it has handed over. */
  readonly kept: readonly ListenerPiece[];
}

/** The header of clients that are given early. */
export interface EarlyHeader extends StateClocks {
  /** As in the header of all. */
  readonly layouts: Readonly<Record<string, Layout>>;
  /** None. */
  readonly listeners: readonly ListenerPiece[];
}

/** The header. */
export interface StateHeader extends Offer, StateClocks {
  /** When the gateway began, as the first of all that have taken its place. */
  readonly startedAt: string;
  readonly listeningSince: number;
  /** The layouts of the records, in the order of their numbers. */
  readonly layouts: Readonly<Record<string, Layout>>;
  /** The parts of the gateway. */
  readonly parts: PartPieces;
  /** What the program around it gives. */
  readonly program: unknown;
}

/** The pieces of all parts of a gateway. */
export interface PartPieces {
  readonly clients: ClientsPiece;
  readonly sessions: { readonly peak: number };
  readonly limits: LimitsPiece;
  readonly queue: QueuePiece;
  readonly dispatcher: DispatcherPiece;
  readonly counters: GatewayCounters;
  readonly measures: MeasuresPiece;
  readonly handovers: HandoverStats;
  /** Nothing without a cluster. */
  readonly cluster?: ClusterPieces | undefined;
  readonly process: ProcessCounts;
}

/** What of a gateway's cluster goes along, beside its records. */
export interface ClusterPieces extends ClusterPiece {
  readonly ofLogins: LoginsPiece;
  readonly lastGathering: number;
}

/** What a process counts for itself. */
export interface ProcessCounts {
  /** Errors that nobody has handled. */
  unhandledErrors: number;
  /** Lines of the log that were dropped. */
  logLinesDropped: number;
  /** Connections that the system did not hold. */
  backlogOverflows: number;
}
