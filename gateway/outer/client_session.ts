// ClientSession: one client connection and who is logged in on it.

import { type Int64, ipToBytes, TaskFlag, TaskOffset } from "@maple/box";
import {
  addFlag,
  BASE_SESSION_FIELDS,
  BaseSession,
  type CloseCause,
  type CountedAddress,
  type FieldPlan,
  formatAddress,
  type FrameHandler,
  left,
  type LimitedClient,
  parseIpv4,
  type Placed,
  readInt32,
  type ServerTransport,
  writeInt32,
  writeInt64,
} from "@maple/box/internal";
import { LinkedList } from "../queue/linked_list.ts";
import type {
  QueueClient,
  QueuedTask,
  TaskHolder,
} from "../queue/queued_task.ts";
import type { OuterTransport } from "./outer_transport.ts";

/** What a session tells its gateway. */
export interface SessionOwner {
  /** A frame came, in bytes of its own. */
  onClientFrame(session: ClientSession, frame: Uint8Array): void;
  /** A ping of a WebSocket came, which is answered. */
  onClientPing(session: ClientSession, bytes: number): void;
  /** It has ended its sending, and waits for answers. */
  onClientEnd(session: ClientSession): void;
  /** The connection has ended. */
  onClientClose(session: ClientSession, cause: CloseCause): void;
  /** The same for good: nothing is left of it. */
  onClientGone(session: ClientSession, late: boolean): void;
  /** A request is to be answered in place of a worker. */
  refuse(session: ClientSession, frame: Uint8Array, ret: number): void;
  /** A request is finished, or was dropped. */
  requestDone(session: ClientSession): void;
  /** Another user is about to be logged in on it, or none. */
  userChanging(session: ClientSession): void;
  /** It is. */
  userChanged(session: ClientSession): void;
  /** It has less than its share of the queue's room again. */
  readOn(session: ClientSession): void;
}

/** What a session is made with, beside its transport. */
export interface ClientSessionOptions {
  /** What is told. */
  readonly owner: SessionOwner;
  /** The number of the connection. */
  readonly connId: number;
  /** What carries its frames, by name. */
  readonly transport: OuterTransport;
  /** What its address counts as. */
  readonly counted: CountedAddress | undefined;
  /** The header of a task about nobody, which all sessions of a gateway share. */
  readonly header: Uint8Array;
}

/** One client connection and who is logged in on it. */
export class ClientSession extends BaseSession
  implements FrameHandler, Placed, LimitedClient, QueueClient {
  /** What carries its frames. */
  readonly socket: ServerTransport;
  /** The number of the connection. */
  readonly connId: number;
  /** What carries its frames, by name. */
  readonly transport: OuterTransport;
  /** What its address counts as. */
  counted: CountedAddress | undefined;
  /** The one of its tasks that is ready or, with order "client", with a worker. */
  front: QueuedTask | null = null;
  /** The tasks that wait for that one. */
  readonly behind: LinkedList<QueuedTask> = new LinkedList();
  /** Used by `Chains`: the worker that holds tasks of it, or held some last. */
  holder: TaskHolder | null = null;
  /** Used by `Chains`: how many of its tasks that worker holds. */
  chain = 0;
  /** Used by `Chains`: how many were given since it held none. */
  given = 0;
  /** Used by `Chains`: how often in a row it had one task alone under way. */
  singles = 0;
  /** Its frames that wait or are with a worker. */
  pendingRequests = 0;
  /** Whether it is not read from because of these. */
  paused = false;
  /** Whether it has ended its sending, and only waits for the answers to these. */
  leaving = false;
  /** Whether it is not read from since the gateway leaves, and only waits for these answers. */
  shownOut = false;
  /** The id of the process before through which it goes on, since its TLS ends there; else 0. */
  relayedBy = 0;
  /** The news of its coming, while no worker has got any of its tasks. */
  created: QueuedTask | null = null;
  /** The news that it is gone. */
  closed: QueuedTask | null = null;
  /** Whether its requests are dropped. */
  dropped = false;
  /** When its user has logged in, as the gateways of a cluster tell each other; 0 without one. */
  loginStamp = 0;
  /** Whether its connection has ended. */
  gone = false;
  /** How many of its requests wait. */
  waiting = 0;
  /** How many bytes these take. */
  waitingBytes = 0;
  /** Used by the room: the bytes of the one that came when none waited. */
  firstBytes = 0;
  /** Whether it is not read from because it has its share of the queue's room. */
  heldBack = false;
  readonly #owner: SessionOwner;
  readonly #header: Uint8Array;
  // There are thousands of sessions: only what is long gets an array.
  readonly #ipv4: number;
  #ipv6: Uint8Array | undefined;

  /** @param socket What carries its frames: each in bytes that nothing else writes to. */
  constructor(socket: ServerTransport, options: ClientSessionOptions) {
    super();
    this.socket = socket;
    this.#owner = options.owner;
    this.connId = options.connId;
    this.transport = options.transport;
    this.counted = options.counted;
    this.#header = options.header;
    const { hostname } = socket.remoteAddr;
    let ipv4 = parseIpv4(hostname);
    if (ipv4 === undefined) {
      const { bytes, ipv6 } = ipToBytes(hostname);
      if (ipv6) this.#ipv6 = bytes;
      else ipv4 = readInt32(bytes, 0);
    }
    this.#ipv4 = ipv4 ?? 0;
  }

  /** The client's address and port, for logs. */
  get address(): string {
    return formatAddress(this.socket.remoteAddr);
  }

  /** Sets who is logged in; 0, 0 is nobody. */
  override setUser(uid: Int64, userdata: Int64): void {
    this.#owner.userChanging(this);
    super.setUser(uid, userdata);
    this.#owner.userChanged(this);
  }

  /**
   * Writes the header of a task about this client, with its present uid and userdata, at `at`; what
   * is the task's own is left to it.
   */
  writeHeader(target: Uint8Array, at: number): void {
    target.set(this.#header, at);
    if (this.#ipv6) {
      addFlag(target, at, TaskFlag.IPV6);
      target.set(this.#ipv6, at + TaskOffset.clientIp);
    } else {
      writeInt32(target, at + TaskOffset.clientIp, this.#ipv4);
    }
    writeInt64(target, at + TaskOffset.connId, this.connId);
    writeInt64(target, at + TaskOffset.uid, this.uid);
    writeInt64(target, at + TaskOffset.userdata, this.userdata);
  }

  refuse(frame: Uint8Array, ret: number): void {
    this.#owner.refuse(this, frame, ret);
  }

  holdBack(): void {
    this.socket.pause();
  }

  readOn(): void {
    this.#owner.readOn(this);
  }

  requestDone(): void {
    this.#owner.requestDone(this);
  }

  onPing(bytes: number): void {
    this.#owner.onClientPing(this, bytes);
  }

  onFrame(frame: Uint8Array): void {
    this.hear();
    this.#owner.onClientFrame(this, frame);
  }

  /** Called by the socket: whoever has asked before is answered. */
  onEnd(): boolean {
    if (this.pendingRequests > 0) this.#owner.onClientEnd(this);
    this.leaving = this.pendingRequests > 0;
    return this.leaving;
  }

  onGone(late: boolean): void {
    this.#owner.onClientGone(this, late);
  }

  onClose(cause: CloseCause): void {
    this.#owner.onClientClose(this, cause);
  }
}

const THE_TASK_TELLS = left("the task tells");

/** What of a session is handed to another process. */
export const CLIENT_FIELDS: FieldPlan<ClientSession> = {
  ...BASE_SESSION_FIELDS,
  transport: "text",
  address: left("follows from the connection"),
  counted: left("by its name"),
  front: THE_TASK_TELLS,
  behind: THE_TASK_TELLS,
  created: THE_TASK_TELLS,
  closed: THE_TASK_TELLS,
  holder: left("by its number"),
  chain: "int",
  given: "int",
  singles: "int",
  pendingRequests: "int",
  paused: "flag",
  leaving: "flag",
  shownOut: "flag",
  relayedBy: "int",
  loginStamp: "number",
  dropped: "flag",
  gone: "flag",
  waiting: "int",
  waitingBytes: "int",
  firstBytes: "int",
  heldBack: "flag",
};

/** What is handed over beside them. */
export const CLIENT_MORE = {
  isOpen: "flag",
  hasSocket: "flag",
  hostname: "text",
  port: "int",
  counted: "text",
  holder: "int",
  groups: "json",
} as const;
