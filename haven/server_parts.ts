// ServerParts: what of a haven server goes from one process to another.

import type {
  ClientLimits,
  ClientPlaces,
  CountedAddress,
  EnteringPiece,
  Entrance,
  LimitedClient,
  Placed,
  SocketPiece,
} from "@maple/box/internal";
import type { Listeners } from "./listeners.ts";
import type { ResolvedListen } from "./resolve_options.ts";
import type { Session } from "./session.ts";
import type { Counters } from "./stats.ts";
import type { Users } from "./users.ts";

/** What a session is made of that another process has had. */
export interface RetakenSession {
  /** The number of its connection. */
  readonly connId: number;
  /** What the application keeps of it. */
  readonly state: object | undefined;
  /** What its address counts as. */
  readonly counted: CountedAddress | undefined;
  /** Its connection. */
  readonly piece: SocketPiece;
}

/** What of a server goes to another process, and takes what comes from there. */
export interface ServerParts<F extends object, C extends object> {
  /** How it is run. */
  readonly options: ResolvedListen;
  /** Where it listens. */
  readonly listeners: Listeners;
  /** The number of the connection that came last. */
  readonly ids: { last: number };
  /** The connections by their numbers, also those that are not gone yet. */
  readonly sessions: ReadonlyMap<number, Session<F, C>>;
  /** Who is logged in where. */
  readonly users: Users<F>;
  /** What bounds clients and addresses. */
  readonly limits: ClientLimits<LimitedClient>;
  /** Who has a place. */
  readonly places: ClientPlaces<Placed>;
  /** Where connections come in. */
  readonly entrance: Entrance;
  /** What is counted. */
  readonly counters: Counters;
  /** Milliseconds of a step of the watch of clients. */
  readonly watchStepMs: number;
  /** Makes a session of what another process has had, of which no frame comes yet. */
  retake(from: RetakenSession): Session<F, C>;
  /** It begins. */
  follow(session: Session<F, C>): void;
  /** Goes on with a handshake that another process has begun. */
  enter(piece: EnteringPiece): void;
}
