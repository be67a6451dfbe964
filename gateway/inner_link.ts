// InnerLink: one connection of a worker or a trigger, and the tasks that a worker holds on it.

import { TaskOffset } from "@maple/box";
import {
  type CloseCause,
  formatAddress,
  type FrameHandler,
  FrameSocket,
  type FrameSocketOptions,
} from "@maple/box/internal";
import type { Linked } from "./linked_list.ts";
import type { QueuedTask } from "./queued_task.ts";

/** What a link tells its gateway. */
export interface LinkOwner {
  /** A whole Task came; valid during the call only. */
  onInnerFrame(link: InnerLink, frame: Uint8Array): void;
  /** The connection has ended. */
  onInnerClose(link: InnerLink, cause: CloseCause): void;
}

/** One connection of a worker or a trigger. It is a worker's from its first ASK on. */
export class InnerLink implements FrameHandler, Linked<InnerLink> {
  /** The next link of the ring of those with credits. */
  next: InnerLink | null = null;
  /** The link before it. */
  prev: InnerLink | null = null;
  /** The connection. */
  readonly socket: FrameSocket;
  /** Address and port of the other side, for logs. */
  readonly address: string;
  /** Whether it has asked for a task. */
  isWorker = false;
  /** How many tasks it has asked for and not yet got. */
  credits = 0;
  /** Whether it acknowledges by delivery id, as a worker of ours does. */
  acknowledgesById = false;
  /** Pings since its last frame. */
  unansweredPings = 0;
  /** Whether it wants no more tasks. */
  withdrawn = false;
  /** The tasks that it holds, by delivery id, the oldest first. */
  readonly held: Map<number, QueuedTask> = new Map();
  readonly #owner: LinkOwner;

  /** @param conn The connection, which belongs to the link from now on. */
  constructor(
    conn: Deno.TcpConn,
    { owner, ...options }: FrameSocketOptions & { owner: LinkOwner },
  ) {
    this.#owner = owner;
    this.address = formatAddress(conn.remoteAddr);
    this.socket = new FrameSocket(conn, this, options);
  }

  /** `worker 127.0.0.1:4321`, for logs. */
  get name(): string {
    return `${this.isWorker ? "worker" : "trigger"} ${this.address}`;
  }

  /**
   * Sends a task to the worker.
   *
   * @returns false when it does not read what it was sent; the connection is closed then.
   */
  deliver(task: QueuedTask): boolean {
    const { outbox } = this.socket;
    const at = outbox.reserve(task.bytes);
    if (at < 0) {
      this.socket.overflow();
      return false;
    }
    task.writeTo(outbox.buffer, at);
    return true;
  }

  /** Called by the socket. */
  onFrame(frame: Uint8Array): void {
    if (frame.length < TaskOffset.body) return;
    this.#owner.onInnerFrame(this, frame);
  }

  /** Called by the socket. */
  onClose(cause: CloseCause): void {
    this.#owner.onInnerClose(this, cause);
  }
}
