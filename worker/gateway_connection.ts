// GatewayConnection: one connection to a gateway, from its start to its end: asks for tasks, hands
// them on, acknowledges them.

import { TaskCmd, TaskOffset } from "@maple/box";
import {
  type CloseCause,
  decodeGreeting,
  deliveryIdOf,
  endChain,
  endsChain,
  type FrameHandler,
  type Greeting,
  isChained,
  isForNobody,
  isPing,
  isRecall,
  isWithdrawal,
  PeerOpening,
  pingIntervalMs,
  readInt32,
  readInt64,
  type Receipt,
  type Secret,
  withdrawal,
} from "@maple/box/internal";
import { Chains } from "./chains.ts";
import { Receipts } from "./receipts.ts";
import type { TaskConnection, WaitOptions } from "./task_connection.ts";
import { NO_BODY, TaskWriter } from "./task_writer.ts";

/** Whoever works on the tasks of a {@linkcode GatewayConnection}. */
export interface TaskHandler {
  /**
   * Works on one task, and calls the connection's `finish` when it is done. It must not throw.
   *
   * @param frame The whole Task, in bytes of its own.
   */
  onTask(frame: Uint8Array, connection: GatewayConnection): void;
  /**
   * The gateway has said who it is, which it says again when the list of its cluster changes.
   *
   * @returns Whether the worker stays; otherwise this connection does not count as attached.
   */
  onGreeting(greeting: Greeting): boolean;
  /** The gateway has let the worker in. */
  onAttached(): void;
  /** Where to go with what is about a client of a connection that has ended. */
  elsewhere(greeting: Greeting): TaskConnection | undefined;
  /** The connection has ended. */
  onConnectionClose(cause: CloseCause): void;
}

/** Which gateway it is. */
export interface GatewayPeer {
  /** Its host and port, for messages. */
  readonly name: string;
  /** What the worker proves itself by, and the gateway to it. */
  readonly secret?: Secret | undefined;
}

/** How a worker asks for tasks. */
export interface AskOptions {
  /** How many tasks it asks for at a time. */
  readonly concurrency: number;
  /** Who it is; it goes with the first ASK. */
  readonly identity: Uint8Array;
}

const MISSED_PINGS = 4;
// An original gateway does not confirm that it gives no more tasks.
const CONFIRM_TIMEOUT_MS = 1000;

/** One connection to a gateway. */
export class GatewayConnection implements FrameHandler, TaskConnection {
  readonly #writer: TaskWriter;
  readonly #handler: TaskHandler;
  readonly #receipts: Receipts;
  readonly #chains = new Chains({
    start: (frame) => this.#start(frame),
    giveBack: (frame) => this.#giveBack(frame),
  });
  // What it has said of itself last; one of the original system says nothing.
  #greeting: Greeting | undefined;
  #inHand = 0;
  // The task that was finished last.
  #finished: Uint8Array | undefined;
  // Tasks that were given up while they were being worked on.
  readonly #givenUp = new WeakSet<Uint8Array>();
  #anyGivenUp = false;
  #attached = false;
  // While the two sides prove who they are; nothing else is sent then.
  #opening: PeerOpening | undefined;
  #refusal: string | undefined;
  #options: AskOptions | undefined;
  // Set when it asks for no more tasks: resolves when none are on their way any more.
  #withdrawn: Promise<void> | undefined;
  #silence: ReturnType<typeof setTimeout> | undefined;
  #onInHandChange: (() => void) | undefined;
  #onConfirmed: (() => void) | undefined;

  /**
   * @param conn The connection, which belongs to this object from now on.
   * @param gateway Whose it is.
   */
  constructor(
    conn: Deno.Conn<Deno.NetAddr>,
    { name, secret }: GatewayPeer,
    handler: TaskHandler,
  ) {
    this.#writer = new TaskWriter(conn, name);
    this.#opening = new PeerOpening(secret, "worker");
    this.#handler = handler;
    this.#receipts = new Receipts(name);
  }

  /** How many tasks are being worked on. */
  get inHand(): number {
    return this.#inHand;
  }

  /** Whether the gateway has let the worker in, as far as is known, and not ended since. */
  get attached(): boolean {
    return this.#attached && !this.closed;
  }

  /** Whether the gateway has greeted, as those of ours do. */
  get greeted(): boolean {
    return this.#greeting !== undefined;
  }

  /** Whether it has ended. */
  get closed(): boolean {
    return this.#writer.socket.closed;
  }

  /** Why one side has refused the other, where it is for a secret. */
  get refusal(): string | undefined {
    return this.#refusal;
  }

  /** Whether the gateway has to say something before the worker does. */
  get waits(): boolean {
    return this.#opening?.waits ?? false;
  }

  /** Asks for the first tasks and reads until the connection has ended. */
  run(options: AskOptions): Promise<void> {
    this.#options = options;
    if (!this.waits) this.#begin();
    return this.#writer.socket.run(this);
  }

  /** Gives a gateway up that asks for no proof; one that has asked takes its time. */
  giveUpUnasked(): boolean {
    const why = this.waits ? this.#opening!.whyUnasked : undefined;
    if (why !== undefined) this.#refuse(why);
    return why !== undefined;
  }

  /** The worker counts as let in, which an original gateway does not say. */
  attach(): void {
    if (this.#attached || this.closed) return;
    this.#attached = true;
    this.#handler.onAttached();
  }

  /**
   * A task that was handed out is finished: acknowledges it and asks for another. To be called once
   * for each.
   *
   * @param tookMs Milliseconds that it took, for the gateway to know how much it can give this
   * worker; 0 = not told.
   * @returns Whether the gateway is told; where it is not, another worker gets the task.
   */
  finish(task: Uint8Array, tookMs = 0): boolean {
    if (this.#isGivenUp(task)) return false;
    const deliveryId = deliveryIdOf(task);
    this.#finished = task;
    this.#inHand--;
    // Once the credits are withdrawn an ASK only acknowledges. An original gateway, which gives no
    // delivery ids, would take it for a wish.
    if (!this.#withdrawn || deliveryId > 0) {
      this.#writer.ask(deliveryId, tookMs, NO_BODY);
    }
    this.#chains.finished(task);
    this.#onInHandChange?.();
    return !this.closed;
  }

  /**
   * Finishes a task that is still being worked on: whatever that comes to, nothing is sent of it
   * any more. Nor does the connection ask for further tasks, so that what the client sends next
   * goes to another worker.
   *
   * @param box What its client gets, packed.
   */
  giveUp(task: Uint8Array, box: Uint8Array | undefined, tookMs: number): void {
    this.#withdraw();
    if (box) this.answer(task, box);
    // What waits for it, and is still on its way, goes to another worker as well.
    this.#chains.end(readInt64(task, TaskOffset.connId));
    this.finish(task, tookMs);
    this.#anyGivenUp = true;
    this.#givenUp.add(task);
  }

  /**
   * Sends a packed Task.
   *
   * @throws {WorkerError} as {@linkcode GatewayConnection.checkSize}.
   */
  send(task: Uint8Array): boolean {
    return !this.waits && this.#writer.send(task);
  }

  /**
   * The same, and what became of it.
   *
   * @throws {WorkerError} by the promise, when it is too long, or what became of it is not told.
   */
  sendForReceipt(task: Uint8Array, options: WaitOptions): Promise<Receipt> {
    return this.#receipts.of(task, (frame) => this.send(frame), options);
  }

  /**
   * The same for a command of a handler that changes what its client's next tasks are: those that
   * the gateway has given already are given out anew.
   */
  change(task: Uint8Array): boolean {
    if (!this.#greeting?.chains) return this.send(task);
    endChain(task);
    const isSent = this.send(task);
    if (isSent) this.#chains.end(readInt64(task, TaskOffset.connId));
    return isSent;
  }

  /**
   * Sends a packed box to the client that a task is about.
   *
   * @param task The task's frame.
   * @returns false when the connection is gone, or when the task is about no client.
   * @throws {WorkerError} as {@linkcode GatewayConnection.checkSize}.
   */
  answer(task: Uint8Array, box: Uint8Array): boolean {
    this.checkSize(TaskOffset.body + box.length);
    if (this.closed || isForNobody(task) || this.#isGivenUp(task)) return false;
    return this.#writer.answer(task, box);
  }

  /** See {@linkcode TaskConnection}. */
  elsewhere(): TaskConnection | undefined {
    if (!this.closed || !this.#greeting) return undefined;
    return this.#handler.elsewhere(this.#greeting);
  }

  /**
   * Refuses a Task that the gateway would close the connection for.
   *
   * @param bytes Those of the whole Task.
   * @throws {WorkerError} when it is too long.
   */
  checkSize(bytes: number): void {
    this.#writer.checkSize(bytes);
  }

  /**
   * Leaves in order: asks for no more, waits for the tasks that are held and those already on their
   * way, sends what is to be sent, and closes.
   *
   * @param timeoutMs What is not finished by then is left to the gateway, which gives it to another
   * worker.
   */
  async drain(timeoutMs: number): Promise<void> {
    if (this.closed) return;
    await this.#withdraw();
    await this.#idle(timeoutMs);
    this.#writer.socket.close();
  }

  /** Closes at once. */
  destroy(): void {
    this.#writer.socket.destroy();
  }

  onFrame(frame: Uint8Array): void {
    if (this.#opening && !this.#isOpenedBy(this.#opening, frame)) return;
    // What a gateway says of itself has higher commands than all tasks.
    const cmd = readInt32(frame, TaskOffset.cmd);
    if (cmd > TaskCmd.WRITE_TO_WORKER && this.#isNoTask(frame)) return;
    // An original gateway says by a task, if by anything, that it has let the worker in.
    if (!this.#attached) this.attach();
    this.#inHand++;
    if (!isChained(frame) || !this.#chains.take(frame)) this.#start(frame);
  }

  onClose(cause: CloseCause): void {
    clearTimeout(this.#silence);
    this.#refusal ??= this.#opening?.whyEnded;
    this.#receipts.end();
    this.#onConfirmed?.();
    this.#onInHandChange?.();
    this.#handler.onConnectionClose(cause);
  }

  #begin(): void {
    const { concurrency, identity } = this.#options!;
    for (let i = 0; i < concurrency; i++) {
      this.#writer.ask(0, 0, i > 0 ? NO_BODY : identity);
    }
  }

  // Whether the connection is open, and the frame is for those who work on it.
  #isOpenedBy(opening: PeerOpening, frame: Uint8Array): boolean {
    const step = opening.take(frame);
    if (step.kind === "open") this.#opening = undefined;
    else if (step.kind === "refuse") this.#refuse(step.why);
    else {
      this.#writer.send(step.frame);
      this.#begin();
    }
    return step.kind === "open";
  }

  #refuse(why: string): void {
    this.#refusal = why;
    this.#writer.socket.destroy({ kind: "local", message: why });
  }

  // Does what a gateway of ours says; answers whether it was that.
  #isNoTask(frame: Uint8Array): boolean {
    if (isWithdrawal(frame)) this.#onConfirmed?.();
    else if (isPing(frame)) this.#onPing(frame);
    else if (isRecall(frame)) this.#onRecall(frame);
    else if (!this.#receipts.take(frame)) {
      const greeting = decodeGreeting(frame);
      if (!greeting) return false;
      this.#greeting = greeting;
      this.#receipts.given = greeting.receipts ?? false;
      this.#writer.frameBytes = greeting.innerFrameMax ?? Infinity;
      if (this.#handler.onGreeting(greeting)) this.attach();
    }
    return true;
  }

  #onRecall(frame: Uint8Array): void {
    const connId = readInt64(frame, TaskOffset.connId);
    if (endsChain(frame)) this.#chains.confirmed(connId);
    else this.#chains.recall(connId);
  }

  // A gateway of ours asks for a sign of life now and then and tells how often. When it has asked
  // once and then no more, its host has vanished.
  #onPing(frame: Uint8Array): void {
    this.send(frame);
    const everyMs = pingIntervalMs(frame);
    clearTimeout(this.#silence);
    if (this.closed || everyMs === 0) return;
    this.#silence = setTimeout(() => {
      this.#writer.socket.destroy({
        kind: "idle",
        message: `no sign of life for ${everyMs * MISSED_PINGS} ms`,
      });
    }, everyMs * MISSED_PINGS);
  }

  #start(frame: Uint8Array): void {
    this.#handler.onTask(frame, this);
    if (this.#greeting?.chains && this.#finished !== frame) {
      this.#chains.begun(frame);
    }
  }

  #giveBack(frame: Uint8Array): void {
    this.#inHand--;
    this.#writer.ask(deliveryIdOf(frame), 0, NO_BODY, true);
    this.#onInHandChange?.();
  }

  #withdraw(): Promise<void> {
    if (!this.#withdrawn) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#onConfirmed = resolve;
      // Others finish what waits here for a task that still takes.
      this.#withdrawn = orTimeout(promise, CONFIRM_TIMEOUT_MS)
        .then(() => this.#chains.recallAll());
      this.send(withdrawal());
    }
    return this.#withdrawn;
  }

  #isGivenUp(task: Uint8Array): boolean {
    return this.#anyGivenUp && this.#givenUp.has(task);
  }

  #idle(timeoutMs: number): Promise<void> {
    if (this.#inHand === 0 || this.closed) return Promise.resolve();
    const before = this.#onInHandChange;
    const idle = new Promise<void>((resolve) => {
      this.#onInHandChange = () => {
        before?.();
        if (this.#inHand === 0 || this.closed) resolve();
      };
    });
    return orTimeout(idle, timeoutMs);
  }
}

function orTimeout(work: Promise<void>, ms: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    work.then(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}
