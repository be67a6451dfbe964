// ClientSession: one client connection and who is logged in on it.

import { type Int64, ipToBytes, MAGIC, TaskFlag, TaskOffset } from "@maple/box";
import {
  type CloseCause,
  formatAddress,
  type FrameHandler,
  FrameSocket,
  type FrameSocketOptions,
  writeInt32,
  writeInt64,
} from "@maple/box/internal";
import { LinkedList } from "./linked_list.ts";
import type { QueuedTask } from "./queued_task.ts";

/** What a session tells its gateway. */
export interface SessionOwner {
  /** A frame came, in bytes of its own. */
  onClientFrame(session: ClientSession, frame: Uint8Array): void;
  /** The connection has ended. */
  onClientClose(session: ClientSession, cause: CloseCause): void;
}

/** What names a session on the wire. */
export interface SessionIdentity {
  /** The number of the gateway. */
  readonly nodeId: number;
  /** The number that the gateway drew at its start. */
  readonly tag: number;
  /** The number of the connection. */
  readonly connId: number;
}

/** One client connection and who is logged in on it. */
export class ClientSession implements FrameHandler {
  /** The connection. */
  readonly socket: FrameSocket;
  /** The number of the connection. */
  readonly connId: number;
  /** The client's address and port, for logs. */
  readonly address: string;
  /** The header of every task about this client; always holds its present uid and userdata. */
  readonly header: Uint8Array;
  /** Order "client": whether one of its tasks is ready or with a worker. */
  busy = false;
  /** Order "client": the tasks that wait for that one. */
  readonly behind: LinkedList<QueuedTask> = new LinkedList();
  /** Its frames that wait or are with a worker. */
  pendingRequests = 0;
  /** Whether it is not read from because of these. */
  held = false;
  /** Steps of the idle watch since its last frame. */
  quietSteps = 0;
  /** Used by a walk over several selections, to meet each session once. */
  walk = 0;
  readonly #owner: SessionOwner;
  #uid: Int64 = 0;
  #userdata: Int64 = 0;

  /** @param conn The connection, which belongs to the session from now on. */
  constructor(
    conn: Deno.TcpConn,
    identity: SessionIdentity,
    { owner, ...options }: FrameSocketOptions & { owner: SessionOwner },
  ) {
    this.#owner = owner;
    this.connId = identity.connId;
    this.address = formatAddress(conn.remoteAddr);
    this.header = firstHeader(identity, conn.remoteAddr.hostname);
    this.socket = new FrameSocket(conn, this, { ...options, ownFrames: true });
  }

  /** The user logged in on it, 0 = none. */
  get uid(): Int64 {
    return this.#uid;
  }

  /** The bit mask given at login. */
  get userdata(): Int64 {
    return this.#userdata;
  }

  /** Sets who is logged in; 0, 0 is nobody. */
  setUser(uid: Int64, userdata: Int64): void {
    this.#uid = uid;
    this.#userdata = userdata;
    writeInt64(this.header, TaskOffset.uid, uid);
    writeInt64(this.header, TaskOffset.userdata, userdata);
  }

  /** Called by the socket. */
  onFrame(frame: Uint8Array): void {
    this.quietSteps = 0;
    this.#owner.onClientFrame(this, frame);
  }

  /** Called by the socket. */
  onClose(cause: CloseCause): void {
    this.#owner.onClientClose(this, cause);
  }
}

function firstHeader(identity: SessionIdentity, hostname: string): Uint8Array {
  const header = new Uint8Array(TaskOffset.body);
  const { bytes, ipv6 } = ipToBytes(hostname);
  writeInt32(header, 0, MAGIC);
  header[TaskOffset.flags + 1] = ipv6 ? TaskFlag.IPV6 : 0;
  writeInt32(header, TaskOffset.nodeId, identity.nodeId);
  writeInt32(header, TaskOffset.tag, identity.tag);
  header.set(bytes, TaskOffset.clientIp);
  writeInt64(header, TaskOffset.connId, identity.connId);
  return header;
}
