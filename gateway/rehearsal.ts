// Rehearsal: a handover in miniature, from one gateway without ports to the next, in one process.
// What is done for the first time takes twice as long as later, and at a handover all stand still
// for it: so whoever is about to take another one's place does it here first.

import { Box, Task, TaskCmd, TaskFlag } from "@maple/box";
import {
  EpollSocket,
  FrameSocket,
  type Logger,
  Passing,
  SILENT,
  type StateSink,
} from "@maple/box/internal";
import type { OuterPlan } from "./outer/listeners.ts";
import { type GatewayParts, makeParts } from "./parts.ts";

const REHEARSAL_MS = 300;
const CLIENTS = 200;
const REQUESTS_EACH = 3;
const CREDITS = 32;
// Where the two ends of a connection are.
const ADDR = { transport: "tcp", hostname: "127.0.0.1", port: 1 } as const;
const PLAN: OuterPlan = { transport: "tcp", tls: false, ws: false };
const REQUEST = new Box({ cmd: 1, body: "rehearsal" }).pack();
const ASK = { cmd: TaskCmd.WORKER_ASK_FOR_TASK, flags: TaskFlag.EXPLICIT_ACK };

/**
 * Serves some clients and hands them over, again and again for 0.3 s. Where it cannot, for want of
 * open files say, all goes on without.
 */
export async function rehearse(logger: Logger): Promise<void> {
  try {
    await using rehearsal = new Rehearsal();
    rehearsal.open();
    const until = performance.now() + REHEARSAL_MS;
    while (performance.now() < until) {
      await rehearsal.serve();
      rehearsal.handOver();
    }
  } catch (error) {
    logger.debug(`no rehearsal of the handover: ${(error as Error).message}`);
  }
}

class Rehearsal implements AsyncDisposable {
  readonly #passing = Passing.open();
  readonly #clients: FrameSocket[] = [];
  #worker: FrameSocket | undefined;
  #parts = newParts();
  // How many answers are still to come, and who waits for them.
  #awaited = 0;
  #answered: PromiseWithResolvers<void> | undefined;

  /** Connects a worker and the clients. */
  open(): void {
    this.#worker = this.#workerOf(
      this.#connect((conn) => this.#parts.door.enter(conn)),
    );
    for (let i = 0; i < CLIENTS; i++) {
      const conn = this.#connect((conn) =>
        void this.#parts.clients.accept(conn, PLAN)
      );
      this.#clients.push(this.#clientOf(conn));
    }
  }

  /** All clients send some requests, and are answered. */
  async serve(): Promise<void> {
    for (let i = 0; i < REQUESTS_EACH; i++) {
      const { promise } = this.#answered = Promise.withResolvers();
      this.#awaited = this.#clients.length;
      for (const client of this.#clients) client.send(REQUEST);
      await promise;
    }
  }

  /** Another gateway takes the place of the one that is there. */
  handOver(): void {
    const { handover } = this.#parts;
    const next = newParts();
    const reader = next.handover.reader();
    const sink: StateSink = {
      descriptors: (given) =>
        reader.descriptors(given.map((one) => this.#passing.copyOf(one))),
      bytes: (bytes) => reader.bytes(bytes),
    };
    handover.write(sink);
    reader.end();
    void letGo(this.#parts);
    this.#parts = next;
    reader.begin();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#clients) client.destroy();
    this.#worker?.destroy();
    this.#parts.handover.write({ descriptors() {}, bytes() {} });
    await letGo(this.#parts);
    this.#passing[Symbol.dispose]();
  }

  #connect(enter: (conn: EpollSocket) => void): EpollSocket {
    const { loop } = this.#parts.ports.openIo().descriptors!;
    const [near, far] = this.#passing.streams();
    enter(new EpollSocket(loop, near, ADDR));
    return new EpollSocket(loop, far, ADDR);
  }

  #clientOf(conn: EpollSocket): FrameSocket {
    const client = new FrameSocket(conn, { framing: Box });
    void client.run({
      onFrame: () => {
        if (--this.#awaited === 0) this.#answered!.resolve();
      },
      onClose: ({ message }) => this.#answered?.reject(new Error(message)),
    });
    return client;
  }

  // A worker that answers with what it gets.
  #workerOf(conn: EpollSocket): FrameSocket {
    const worker = new FrameSocket(conn, { framing: Task });
    void worker.run({
      onFrame: (frame) => {
        const task = Task.fromFrame(frame);
        const { cmd, ret, body } = task;
        if (cmd === TaskCmd.CLIENT_REQ) {
          const answer = { cmd: TaskCmd.WRITE_TO_CLIENT, flags: 0, ret: 0 };
          worker.send(task.map({ ...answer, body }).pack());
        } else if (cmd !== TaskCmd.CLIENT_CREATED) return;
        worker.send(new Task({ ...ASK, ret }).pack());
      },
      onClose: ({ message }) => this.#answered?.reject(new Error(message)),
    });
    for (let i = 0; i < CREDITS; i++) worker.send(new Task(ASK).pack());
    return worker;
  }
}

function newParts(): GatewayParts {
  return makeParts({ io: "epoll", logger: SILENT }, {
    age: () => ({ startedAt: new Date(), listeningSince: 0 }),
    counts: () => ({
      unhandledErrors: 0,
      logLinesDropped: 0,
      backlogOverflows: 0,
    }),
    hello: () => {
      throw new Error("it is in no cluster");
    },
    ban: () => 0,
    leave: () => Promise.resolve(),
    onGiven: () => Promise.resolve(),
  });
}

// Its sockets are those of the next one, or of nobody.
function letGo(
  { handover, context, clients, ports }: GatewayParts,
): Promise<void> {
  for (const socket of handover.given.sockets) socket.release();
  clients.letGo(handover.given.left);
  context.dispatcher.close();
  context.clientLimits.stop();
  context.memory.stop();
  handover.dispose();
  return ports.closeIo();
}
