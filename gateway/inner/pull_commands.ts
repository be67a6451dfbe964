// PullCommands: how workers ask for tasks, acknowledge them and leave, and how tasks for workers
// come in.

import { TaskCmd, TaskFlag, TaskOffset } from "@maple/box";
import { isForNobody, readInt32 } from "@maple/box/internal";
import type { GatewayContext } from "../context.ts";
import type { InnerLink, WorkerIdentity } from "./inner_link.ts";
import { QueuedTask } from "../queue/queued_task.ts";

const MAX_IDENTITY_BYTES = 4096;
// Where the low 32 bits of a 64-bit field begin.
const LOW_HALF = 4;

/** Carries out the commands of workers and triggers that are about tasks for workers. */
export class PullCommands {
  readonly #context: GatewayContext;

  /** @param context What the commands work on. */
  constructor(context: GatewayContext) {
    this.#context = context;
  }

  /**
   * Carries out one frame, which is valid during the call only.
   *
   * @returns false when it is none of these commands.
   */
  run(link: InnerLink, frame: Uint8Array): boolean {
    switch (readInt32(frame, TaskOffset.cmd)) {
      case TaskCmd.WORKER_ASK_FOR_TASK:
        this.#ask(link, frame);
        return true;
      case TaskCmd.WRITE_TO_WORKER:
        this.#writeToWorker(link, frame);
        return true;
      case TaskCmd.CLEAR_CLIENT_TASKS:
        if (!isForNobody(frame)) return false;
        this.#withdraw(link, frame);
        return true;
      case TaskCmd.LOGOUT_CLIENT:
        // The answer to a ping has done its work by coming.
        return isForNobody(frame);
      default:
        return false;
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

  // The echo tells a worker that leaves that no task is on its way any more.
  #withdraw(link: InnerLink, frame: Uint8Array): void {
    this.#context.dispatcher.withdraw(link);
    link.socket.send(frame);
  }

  #writeToWorker(link: InnerLink, frame: Uint8Array): void {
    const { queue, dispatcher, counters, options, logger } = this.#context;
    // A trigger is not read from while the queue is full. A worker must be, since its asks and
    // answers come the same way: so it may fill the queue once more, and what goes beyond is
    // refused.
    if (link.isWorker && queue.size >= 2 * options.queueMax) {
      counters.innerDropped++;
      logger.error(
        `${link.name}: a task for a worker is dropped, since ${queue.size} tasks wait; raise queueMax or the number of workers`,
      );
      return;
    }
    dispatcher.submit(QueuedTask.inner(frame));
    if (!link.isWorker && !queue.gate.isOpen) {
      link.socket.pause();
      queue.gate.opened().then(() => link.socket.resume());
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
