// Sessions and links without sockets: a connection that writes into memory and never reads.

import { Box, FrameReader, Task, TaskCmd } from "@maple/box";
import { type Conn, FrameSocket, turnNow } from "@maple/box/internal";
import { ClientSession } from "../../../gateway/outer/client_session.ts";
import { InnerLink } from "../../../gateway/inner/inner_link.ts";
import type { TaskQueueOptions } from "../../../gateway/queue/task_queue.ts";
import { QueuedTask } from "../../../gateway/queue/queued_task.ts";

/** A connection that keeps what is written to it. */
export class FakeConn implements Conn {
  /** All that was written. */
  readonly written: FrameReader = new FrameReader(Task);
  /** Whether it was closed. */
  closed = false;
  /** The other side. */
  readonly remoteAddr: Deno.NetAddr;

  /** @param hostname The address of the other side. */
  constructor(hostname = "127.0.0.1") {
    this.remoteAddr = { transport: "tcp", hostname, port: 1 };
  }

  /** Takes everything at once. */
  write(bytes: Uint8Array): number {
    this.written.push(bytes);
    return bytes.length;
  }

  /** Ends at once. */
  run(): Promise<void> {
    return Promise.resolve();
  }

  /** Takes note. */
  close(): void {
    this.closed = true;
  }

  /** Does nothing. */
  closeWrite(): Promise<void> {
    return Promise.resolve();
  }
}

/** A session whose connection is a {@linkcode FakeConn}. */
export function fakeSession(
  connId: number,
  conn: FakeConn = new FakeConn(),
): ClientSession {
  return new ClientSession(new FrameSocket(conn, { framing: Box }), {
    owner: {
      onClientFrame() {},
      onClientPing() {},
      onClientEnd() {},
      onClientClose() {},
      onClientGone() {},
      refuse() {},
      requestDone() {},
      userChanging() {},
      userChanged() {},
      readOn() {},
    },
    connId,
    transport: "tcp",
    counted: undefined,
    header: new Task({ nodeId: 3, tag: 4 }).pack(),
  });
}

/** Settings of a queue with much room. */
export const ROOMY: TaskQueueOptions = {
  order: "client",
  queueMax: 1000,
  queueBytes: 1e9,
  newsMax: 1000,
  goneRequests: "yield",
};

/** A link whose connection is a {@linkcode FakeConn}, and the tasks that were sent on it. */
export class FakeLink {
  /** The link. */
  readonly link: InnerLink;
  /** How often it was asked for a sign of life. */
  pings = 0;
  readonly #conn = new FakeConn();
  readonly #socket: FrameSocket;

  /**
   * A link of a worker of ours, which lives or does not, or of an original one; so many bytes may
   * wait to be sent on it. With `chains` it runs chained tasks, and has told that its tasks are
   * short.
   */
  constructor({
    original = false,
    lives = true,
    chains = false,
    outboxBytes = 1024 * 1024,
  } = {}) {
    this.#socket = new FrameSocket(this.#conn, {
      framing: Task,
      outboxBytes,
    });
    this.link = new InnerLink(this.#socket, {
      onWorkerAttach() {},
      onInnerFrame() {},
      onInnerClose() {},
      onReceipt() {},
      ping: () => {
        this.pings++;
        if (lives) this.live();
      },
    });
    this.link.acknowledgesById = !original;
    this.link.chains = chains;
    if (chains) this.link.taskMs = 0.1;
  }

  /** It shows that it lives. */
  live(): void {
    this.link.seenAt = turnNow();
  }

  /** The tasks sent since the last call. */
  async sent(): Promise<Task[]> {
    await this.#socket.drained();
    const tasks: Task[] = [];
    const { written } = this.#conn;
    for (let frame = written.take(); frame; frame = written.take()) {
      tasks.push(Task.fromFrame(frame));
    }
    return tasks;
  }
}

/** A task about a client, as its header has it. */
export function headerOf(session: ClientSession): Task {
  const frame = new Uint8Array(Task.headerBytes);
  session.writeHeader(frame, 0);
  return Task.fromFrame(frame);
}

/** A request of a client, with this text as its body. */
export function request(session: ClientSession, text: string): QueuedTask {
  return new QueuedTask(
    TaskCmd.CLIENT_REQ,
    new TextEncoder().encode(text),
    session,
  );
}

/** A task that a trigger sent, with this text as its body. */
export function innerTask(text: string): QueuedTask {
  return QueuedTask.inner(
    new Task({ cmd: TaskCmd.WRITE_TO_WORKER, body: text }).pack(),
  );
}

/** The text in a task's body. */
export function textOf(task: { body: Uint8Array }): string {
  return new TextDecoder().decode(task.body);
}
