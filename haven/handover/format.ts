// The format in which a haven server hands all that it holds to the process that takes its place: a
// header of JSON, then records.

import {
  ENTERING_FIELDS,
  type Layout,
  layoutOf,
  type LimitsPiece,
  SOCKET_FIELDS,
  type StateClocks,
} from "@maple/box/internal";
import type { ListenerPiece } from "../listeners.ts";
import { SESSION_FIELDS, SESSION_MORE } from "../session.ts";
import type { Counters } from "../stats.ts";
import type { UsersPiece } from "../users.ts";

/** Marks what one haven server hands to another. */
export const FORMAT = "maple-haven-handover";

/** The version that is written and read. */
export const FORMAT_VERSION = 1;

/**
 * The kinds of records: what the application keeps is the first, a socket stands before its client,
 * a client before its requests.
 */
export type RecordKind =
  | "app"
  | "socket"
  | "client"
  | "request"
  | "handshake";

const DESCRIPTOR = { descriptor: "int" } as const;

/** Which records there are. */
export const LAYOUTS: Readonly<Record<RecordKind, Layout>> = {
  app: [["state", "bytes"]],
  socket: layoutOf(SOCKET_FIELDS, DESCRIPTOR),
  client: layoutOf(SESSION_FIELDS, SESSION_MORE),
  request: [["frame", "bytes"]],
  handshake: layoutOf(ENTERING_FIELDS, DESCRIPTOR),
};

/** What is there, by the names of the limits that bound it. */
export interface Needs {
  /** Clients. */
  readonly connsMax: number;
  /** Groups. */
  readonly groupsMax: number;
  /** The most groups of one client. */
  readonly groupsPerClient: number;
}

/** What is told before anything is handed over, and again with it. */
export interface Offer {
  /** {@linkcode FORMAT}. */
  readonly format: string;
  /** {@linkcode FORMAT_VERSION}. */
  readonly formatVersion: number;
  /** The version of the server. */
  readonly version: string;
  /** Its process. */
  readonly pid: number;
  /** Which of the processes it is that have had this place, from 1. */
  readonly generation: number;
  /** The fields of the clients' boxes. */
  readonly boxFields: string;
  /** What is there. */
  readonly needs: Needs;
  /** Its listeners, whose descriptors are the first. */
  readonly listeners: readonly ListenerPiece[];
}

/** The header. */
export interface StateHeader extends Offer, StateClocks {
  /** When nothing began any more: the time of day, `Date.now()`. */
  readonly heldAt: number;
  /** The layouts of the records, in the order of their numbers. */
  readonly layouts: Readonly<Record<string, Layout>>;
  /** The parts of the server. */
  readonly parts: PartPieces;
}

/** The pieces of all parts of a server. */
export interface PartPieces {
  /** The number of the connection that came last. */
  readonly lastId: number;
  /** What the server has counted. */
  readonly counters: Counters;
  /** Users and groups. */
  readonly users: UsersPiece;
  /** Addresses, bans and rates. */
  readonly limits: LimitsPiece;
}
