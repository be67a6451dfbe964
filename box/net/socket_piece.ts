// SocketPiece: a connection as one process hands it to another: its descriptor, and what lies
// between the socket and the frames.

import { type FieldPlan, left } from "../records.ts";
import type { OwnSocket } from "./conn.ts";
import type { WebSocketPiece } from "./web_socket_piece.ts";

/** A connection with its frames. */
export interface SocketPiece {
  /** The socket, whose descriptor goes along; for its reader, the one that it has taken over. */
  readonly socket: OwnSocket;
  /** The other side's address. */
  readonly hostname: string;
  /** And port. */
  readonly port: number;
  /** Bytes that were read from the socket, and that nobody has looked at. */
  readonly unread: Uint8Array;
  /** Bytes of its frames that were read and are no frame yet, or were not given out. */
  readonly read: Uint8Array;
  /** Bytes that are to be written. */
  readonly unsent: Uint8Array;
  /** Whether any frame was ever sent on it. */
  readonly hasSent: boolean;
  /** Whether it is not read from. */
  readonly paused: boolean;
  /** Steps of the watch for which bytes waited and none was written. */
  readonly stalledSteps: number;
  /** Where a WebSocket stands. */
  readonly webSocket: WebSocketPiece | undefined;
}

/** How a connection is written. */
export const SOCKET_FIELDS: FieldPlan<SocketPiece> = {
  socket: left("its descriptor goes along"),
  hostname: "text",
  port: "int",
  unread: "bytes",
  read: "bytes",
  unsent: "bytes",
  hasSent: "flag",
  paused: "flag",
  stalledSteps: "int",
  webSocket: "json",
};
