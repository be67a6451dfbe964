// The records of a client, as they are written early and again when all stands still.

import type { SocketPiece } from "@maple/box/internal";
import type { ClientSession } from "../outer/client_session.ts";

/** Where they are written. */
export interface ClientRecords {
  /** Writes one. */
  write(kind: "socket" | "client", values: object, more: object): void;
}

/** What of a client's record is not its own. */
export interface ClientAbout {
  /** Whether its connection is open. */
  readonly isOpen: boolean;
  /** Its connection, where that goes along. */
  readonly piece: SocketPiece | undefined;
  /** The number of the worker that holds tasks of it, from 1; 0 = none. */
  readonly holder: number;
  /** The groups that it is in. */
  readonly groups: readonly string[] | undefined;
}

/** Writes that of the connection, which stands before that of the client. */
export function writeSocket(
  records: ClientRecords,
  piece: SocketPiece,
  at: { readonly descriptor: number },
): void {
  records.write("socket", piece, at);
}

/** Writes that of the client. */
export function writeClient(
  records: ClientRecords,
  session: ClientSession,
  { isOpen, piece, holder, groups }: ClientAbout,
): void {
  const { hostname, port } = session.socket.remoteAddr;
  records.write("client", session, {
    isOpen,
    hasSocket: piece !== undefined,
    hostname,
    port,
    counted: isOpen ? session.counted?.name ?? "" : "",
    holder,
    groups,
  });
}
