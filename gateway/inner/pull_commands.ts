// PullCommands: how workers ask for tasks, acknowledge them and leave, and how tasks for workers
// come in.

import { TaskCmd, TaskFlag, TaskOffset } from "@maple/box";
import {
  decodeIdentity,
  deliveryIdOf,
  greet,
  type Greeting,
  hasFlag,
  isExplicit,
  isForNobody,
  isHello,
  isUnrun,
  readInt32,
  tookMsOf,
} from "@maple/box/internal";
import config from "../deno.json" with { type: "json" };
import type { GatewayContext } from "../context.ts";
import type { InnerLink } from "./inner_link.ts";
import { QueuedTask } from "../queue/queued_task.ts";

/** Carries out the commands of workers and triggers that are about tasks for workers. */
export class PullCommands {
  readonly #context: GatewayContext;
  readonly #greeting: Greeting;

  /** @param context What the commands work on. */
  constructor(context: GatewayContext) {
    this.#context = context;
    const { dispatcher, options } = context;
    const { innerFrameBytes, outboxBytes } = options;
    this.#greeting = {
      version: config.version,
      innerFrameMax: innerFrameBytes,
      outboxMax: outboxBytes,
      chains: dispatcher.runsChains,
      receipts: true,
      tag: context.tag,
    };
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
        if (isHello(frame)) this.#hello(link, frame);
        // The answer to a ping has done its work by coming.
        return isForNobody(frame);
      default:
        return false;
    }
  }

  #ask(link: InnerLink, frame: Uint8Array): void {
    const { dispatcher, counters } = this.#context;
    counters.innerFrames.WORKER_ASK_FOR_TASK++;
    const byId = isExplicit(frame);
    if (!link.isWorker) this.#attach(link, frame, byId);
    const deliveryId = deliveryIdOf(frame);
    if (byId) {
      link.acknowledgesById = true;
      const tookMs = tookMsOf(frame);
      if (tookMs > 0) link.averageIn(tookMs);
    }
    let isCredit = true;
    if (deliveryId > 0) {
      const unrun = byId && isUnrun(frame);
      isCredit = dispatcher.acknowledge(link, deliveryId, unrun);
    } // An original worker acknowledges with 0 what it holds; a worker of ours may ask several times
    // before it has got anything, and says so.
    else if (!byId) dispatcher.acknowledge(link, "oldest");
    if (isCredit && !dispatcher.ask(link)) this.#ignoreAsk(link);
    dispatcher.pump();
  }

  #ignoreAsk(link: InnerLink): void {
    const { counters, logger, options } = this.#context;
    counters.asksIgnored++;
    if (link.asksIgnored++ > 0) return;
    logger.warn(
      `${link.name} asks for more than ${options.creditsMax} tasks at a time (creditsMax); what is beyond is ignored, which is told once`,
    );
  }

  // The body of the first ASK tells who the worker is; an original one leaves it empty, and gets no
  // greeting.
  #attach(link: InnerLink, frame: Uint8Array, greets: boolean): void {
    link.attach(decodeIdentity(frame.subarray(TaskOffset.body)));
    if (greets) this.greet(link);
  }

  #hello(link: InnerLink, frame: Uint8Array): void {
    link.identity ??= decodeIdentity(frame.subarray(TaskOffset.body));
    this.greet(link);
  }

  /**
   * Lets a worker or trigger in, or tells one that is in where the gateways of the cluster are now.
   * It also proves to the other side that this is its gateway.
   */
  greet(link: InnerLink): void {
    const { options, cluster, tag } = this.#context;
    const { mac } = link.entry;
    link.isGreeted = true;
    link.socket.send(greet({
      ...this.#greeting,
      node: options.nodeId,
      tag,
      ...(mac && { mac }),
      ...(cluster && { cluster: cluster.name, gateways: cluster.listed }),
      ...(cluster?.isAlone && { alone: true }),
    }));
  }

  // The echo tells a worker that leaves that no task is on its way any more.
  #withdraw(link: InnerLink, frame: Uint8Array): void {
    this.#context.dispatcher.withdraw(link);
    link.socket.send(frame);
  }

  #writeToWorker(link: InnerLink, frame: Uint8Array): void {
    const { queue, dispatcher, counters, logger } = this.#context;
    counters.innerFrames.WRITE_TO_WORKER++;
    const wantsReceipt = hasFlag(frame, TaskFlag.RECEIPT_WANTED);
    // A trigger is not read from while the queue is full. A worker must be, since its asks and
    // answers come the same way: so it may fill the queue once more, and what goes beyond is
    // refused.
    if (link.isWorker && queue.room.isTwiceFull) {
      counters.innerDropped++;
      const why =
        `${queue.size} tasks with ${queue.bytes} bytes wait; raise queueMax, queueBytes or the number of workers`;
      logger.error(
        `${link.name}: a task for a worker is dropped, since ${why}`,
      );
      if (wantsReceipt) {
        link.receive(frame, { error: `busy: ${why}` });
      }
      return;
    }
    dispatcher.submit(QueuedTask.inner(frame));
    if (wantsReceipt) {
      link.receive(frame, { delivered: 1 });
    }
    if (!link.isWorker && !queue.gate.isOpen) {
      link.holdBack();
      queue.gate.opened().then(() => link.readOn());
    }
  }
}
