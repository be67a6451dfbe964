// Writes all that a haven server holds, for the process that takes its place. Nothing changes here:
// whoever has written it can go on as if nothing had been.

import {
  type OwnSocket,
  type SocketPiece,
  StateOutput,
  type StateSink,
} from "@maple/box/internal";
import type { Kept } from "../kept.ts";
import type { ServerParts } from "../server_parts.ts";
import type { Session } from "../session.ts";
import { LAYOUTS, type RecordKind, type StateHeader } from "./format.ts";
import type { StateCloner } from "./state_clone.ts";

/** What is written. */
export interface StateToWrite<F extends object, C extends object> {
  /** The parts of the server. */
  readonly parts: ServerParts<F, C>;
  /** Its header. */
  readonly header: StateHeader;
  /** The descriptors of its listeners. */
  readonly listeners: readonly number[];
  /** What the application hands over beside the connections. */
  readonly kept: Kept;
  /** Who makes bytes of that, and of `conn.state`. */
  readonly cloner: StateCloner;
}

/** What went along. */
export interface Written<F extends object, C extends object> {
  /** The sockets. */
  readonly sockets: readonly OwnSocket[];
  /** The sessions. */
  readonly sessions: readonly Session<F, C>[];
}

/** Writes it, see `StateOutput`. */
export function writeState<F extends object, C extends object>(
  { parts, header, listeners, kept, cloner }: StateToWrite<F, C>,
  sink: StateSink,
): Written<F, C> {
  const output = new StateOutput<RecordKind>(LAYOUTS, listeners, sink);
  const sessions: Session<F, C>[] = [];
  const pieces: SocketPiece[] = [];
  const states = new Map<number, object>();
  for (const session of parts.sessions.values()) {
    // One that is closing has nothing left but its last bytes.
    const piece = session.socket.give?.();
    if (!piece) continue;
    sessions.push(session);
    pieces.push(piece);
    const { state } = session.conn;
    if (Object.keys(state).length > 0) states.set(session.connId, state);
  }
  output.header(header);
  output.write("app", { state: cloner.give({ kept, states }) }, {});
  for (const [no, session] of sessions.entries()) {
    const piece = pieces[no]!;
    output.write("socket", piece, output.descriptorOf(piece.socket));
    const { paused, waiting } = session.give();
    output.write("client", session, {
      hostname: session.socket.remoteAddr.hostname,
      port: session.socket.remoteAddr.port,
      counted: session.counted?.name ?? "",
      groups: session.groups ? parts.users.groupsOf(session) : undefined,
      paused,
    });
    for (const frame of waiting) output.write("request", { frame }, {});
  }
  for (const piece of parts.entrance.give()) {
    output.write("handshake", piece, output.descriptorOf(piece.socket));
  }
  output.flush();
  return { sockets: output.sockets, sessions };
}
