// What the gateway does with each command of a worker or trigger.

import {
  decodeCloseUsers,
  Task,
  TaskCmd,
  TaskFlag,
  TaskOffset,
} from "@maple/box";
import {
  isForNobody,
  readInt32,
  readInt64,
  readRspToUsers,
} from "@maple/box/internal";
import type { ClientSession } from "../outer/client_session.ts";
import type { Clients } from "../outer/clients.ts";
import type { GatewayContext } from "../context.ts";
import type { InnerLink, WorkerIdentity } from "./inner_link.ts";
import { QueuedTask } from "../queue/queued_task.ts";

const MAX_IDENTITY_BYTES = 4096;
// Where the low 32 bits of a 64-bit field begin.
const LOW_HALF = 4;

/** Carries out the commands of workers and triggers. */
export class InnerCommands {
  readonly #context: GatewayContext;
  readonly #clients: Clients;

  /** @param context What the commands work on. */
  constructor(context: GatewayContext, clients: Clients) {
    this.#context = context;
    this.#clients = clients;
  }

  /** Carries out one frame, which is valid during the call only. */
  run(link: InnerLink, frame: Uint8Array): void {
    switch (readInt32(frame, TaskOffset.cmd)) {
      case TaskCmd.WORKER_ASK_FOR_TASK:
        return this.#ask(link, frame);
      case TaskCmd.WRITE_TO_CLIENT:
        return this.#writeToClient(link, frame);
      case TaskCmd.WRITE_TO_WORKER:
        return this.#writeToWorker(link, frame);
      case TaskCmd.WRITE_TO_USERS:
        return this.#decoded(link, frame, () => this.#writeToUsers(frame));
      case TaskCmd.CLOSE_USERS:
        return this.#decoded(link, frame, () => this.#closeUsers(frame));
      case TaskCmd.CLOSE_CLIENT:
        return this.#client(frame)?.socket.close();
      case TaskCmd.LOGIN_CLIENT:
        return this.#login(link, frame);
      case TaskCmd.LOGOUT_CLIENT:
        return this.#logout(frame);
      case TaskCmd.CLEAR_CLIENT_TASKS:
        return this.#clear(link, frame);
      default:
        this.#context.counters.badCommands++;
        this.#context.logger.warn(
          `${link.name} sent the unknown command ${
            readInt32(frame, TaskOffset.cmd)
          }; it is ignored`,
        );
    }
  }

  #ask(link: InnerLink, frame: Uint8Array): void {
    const { dispatcher } = this.#context;
    if (!link.isWorker) this.#greet(link, frame.subarray(TaskOffset.body));
    const deliveryId = readInt32(frame, TaskOffset.ret);
    const byId = (frame[TaskOffset.flags + 1]! & TaskFlag.EXPLICIT_ACK) !== 0;
    if (byId) link.acknowledgesById = true;
    const tookUs = readInt32(frame, TaskOffset.custom + LOW_HALF);
    if (byId && tookUs > 0) link.tookMs(tookUs / 1000);
    if (deliveryId > 0) dispatcher.acknowledge(link, deliveryId);
    // An original worker acknowledges with 0 what it holds; a worker of ours may ask several times
    // before it has got anything, and says so.
    else if (!byId) dispatcher.acknowledge(link, "oldest");
    dispatcher.ask(link);
    dispatcher.pump();
  }

  // The body of the first ASK tells who the worker is; an original one leaves it empty.
  #greet(link: InnerLink, body: Uint8Array): void {
    link.isWorker = true;
    link.identity = parseIdentity(body);
    this.#context.logger.info(`${link.name} has attached`);
  }

  #writeToClient(link: InnerLink, frame: Uint8Array): void {
    const session = this.#client(frame);
    if (!session) return;
    const body = frame.subarray(TaskOffset.body);
    this.#context.dispatcher.answered(
      link,
      session,
      readInt32(frame, TaskOffset.ret),
    );
    const { counters } = this.#context;
    if (!session.socket.send(body)) {
      counters.answersDropped.outbox++;
      return;
    }
    counters.answers++;
    counters.answerBytes += body.length;
  }

  #writeToWorker(link: InnerLink, frame: Uint8Array): void {
    const { queue, dispatcher, counters, options, logger } = this.#context;
    // A trigger is not read from while the queue is full. A worker must be, since its asks and
    // answers come the same way: so it may fill the queue once more, and what goes beyond is
    // refused.
    if (link.isWorker && queue.size >= 2 * options.queueMax) {
      if (counters.innerDropped++ % 1000 === 0) {
        logger.error(
          `${link.name}: a task for a worker is dropped, since ${queue.size} tasks wait; raise queueMax or the number of workers`,
        );
      }
      return;
    }
    dispatcher.submit(QueuedTask.inner(frame));
    if (!link.isWorker && !queue.gate.isOpen) {
      link.socket.pause();
      queue.gate.opened().then(() => link.socket.resume());
    }
  }

  #writeToUsers(frame: Uint8Array): void {
    const { sessions, counters } = this.#context;
    for (const row of readRspToUsers(frame.subarray(TaskOffset.body))) {
      counters.userMessages++;
      sessions.forEachSelected(row, (session) => {
        if (!session.socket.send(row.buf)) {
          counters.answersDropped.outbox++;
          return;
        }
        counters.userDeliveries++;
        counters.answerBytes += row.buf.length;
      });
    }
  }

  #closeUsers(frame: Uint8Array): void {
    const selection = decodeCloseUsers(frame.subarray(TaskOffset.body));
    this.#context.sessions.forEachSelected(
      selection,
      (session) => session.socket.close(),
    );
  }

  #login(link: InnerLink, frame: Uint8Array): void {
    const session = this.#client(frame);
    if (!session) return;
    const { uid, userdata } = Task.fromFrame(frame);
    if (uid <= 0) {
      this.#context.counters.badCommands++;
      this.#context.logger.warn(
        `${link.name} sent a login with uid ${uid}; a uid is positive, so it is ignored`,
        { conn: session.connId },
      );
      return;
    }
    this.#context.sessions.login(session, uid, userdata);
  }

  #logout(frame: Uint8Array): void {
    // The answer to a ping has done its work by coming.
    if (isForNobody(frame)) return;
    const session = this.#client(frame);
    if (session) this.#context.sessions.logout(session);
  }

  #clear(link: InnerLink, frame: Uint8Array): void {
    if (isForNobody(frame)) {
      // A worker that leaves. The echo tells it that no task is on its way any more.
      this.#context.dispatcher.withdraw(link);
      link.socket.send(frame);
      return;
    }
    const session = this.#client(frame);
    if (!session) return;
    const { queue, dispatcher, counters } = this.#context;
    const removed = queue.remove(session, (task) => task.isRequest);
    counters.cleared += removed.length;
    for (let i = 0; i < removed.length; i++) this.#clients.requestDone(session);
    dispatcher.pump();
  }

  // The connection that a frame means, if it lives and is of this life of the gateway.
  #client(frame: Uint8Array): ClientSession | undefined {
    const { sessions, tag, counters } = this.#context;
    if (readInt32(frame, TaskOffset.tag) !== tag) {
      counters.answersDropped.tag++;
      return undefined;
    }
    const session = sessions.get(readInt64(frame, TaskOffset.connId));
    if (!session) counters.answersDropped.gone++;
    return session;
  }

  #decoded(link: InnerLink, frame: Uint8Array, work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#context.counters.badCommands++;
      this.#context.logger.warn(
        `${link.name} sent command ${
          readInt32(frame, TaskOffset.cmd)
        }, which is ignored: ${(error as Error).message}`,
      );
    }
  }
}

function parseIdentity(body: Uint8Array): WorkerIdentity | undefined {
  if (body.length === 0 || body.length > MAX_IDENTITY_BYTES) return undefined;
  try {
    const told = JSON.parse(new TextDecoder().decode(body));
    const identity: WorkerIdentity = {};
    for (const name of ["name", "host", "version"] as const) {
      if (typeof told[name] === "string") {
        identity[name] = told[name].slice(0, 100);
      }
    }
    for (const name of ["pid", "concurrency", "index"] as const) {
      if (Number.isSafeInteger(told[name])) identity[name] = told[name];
    }
    return identity;
  } catch {
    return undefined;
  }
}
