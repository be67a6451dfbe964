// PlayedMember: a gateway of a cluster that a test plays: it greets with the list that the test
// says, and the test does the rest.

import { type Task, TaskCmd } from "@maple/box";
import {
  greet,
  type Greeting,
  isPing,
  type ListedGateway,
  type ListedState,
  ping,
  type Receipt,
  receiptFor,
} from "@maple/box/internal";
import { PlayedGateway } from "./played_gateway.ts";
import type { RawWorker } from "./raw_worker.ts";

/** One gateway of a cluster, played by a test. */
export class PlayedMember implements AsyncDisposable {
  /** Its node. */
  readonly node: number;
  /** Its cluster, if it is of one. */
  readonly cluster: string | undefined;
  /** Which life of it this is. */
  readonly tag: number;
  readonly #gateway: PlayedGateway;
  #isGone = false;
  readonly #peers: RawWorker[] = [];

  /** Listens. */
  constructor(
    node: number,
    { cluster = "maple", tag = 1000 + node, port = 0 }: {
      cluster?: string | null;
      tag?: number;
      port?: number;
    } = {},
  ) {
    this.#gateway = new PlayedGateway(port);
    this.node = node;
    this.cluster = cluster ?? undefined;
    this.tag = tag;
  }

  /** Where workers and triggers connect. */
  get port(): number {
    return this.#gateway.port;
  }

  /** Whether a worker or trigger has come. */
  get isVisited(): boolean {
    return this.#peers.length > 0;
  }

  /** The same, as it is listed. */
  get inner(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** It, in a list. */
  listed(state: ListedState = "serving"): ListedGateway {
    return { node: this.node, inner: this.inner, state };
  }

  /** Lets the next worker or trigger in, and tells it of these gateways. */
  async accept(
    list: readonly PlayedMember[] = [this],
    more: Greeting = {},
  ): Promise<RawWorker> {
    const peer = await this.acceptSilently();
    await peer.sendBytes(greet(this.#greeting(list, more)));
    return peer;
  }

  /** Accepts the next worker or trigger, and says nothing. */
  async acceptSilently(): Promise<RawWorker> {
    const peer = await this.#gateway.accept({ greets: false });
    this.#peers.push(peer);
    return peer;
  }

  /** Tells all that are there of other gateways. */
  async tell(
    list: readonly PlayedMember[],
    more: Greeting = {},
  ): Promise<void> {
    const greeting = greet(this.#greeting(list, more));
    for (const peer of this.#peers) await peer.sendBytes(greeting);
  }

  /** The next command of the one that came last, which is no ASK. */
  async command(): Promise<Task> {
    for (;;) {
      const task = await this.#next();
      if (task.cmd !== TaskCmd.WORKER_ASK_FOR_TASK) return task;
    }
  }

  /** Waits until a worker has taken note of all that it was sent. */
  async heard(): Promise<void> {
    await this.#peer.sendBytes(ping(0));
    const task = await this.command();
    if (!isPing(task.pack())) throw new Error(`expected a ping, got ${task}`);
  }

  async #next(): Promise<Task> {
    const task = await this.#peer.next();
    if (!task) throw new Error(`node ${this.node}: the connection has ended`);
    return task;
  }

  /** The same; it is answered with this receipt. */
  async receipt(receipt: Partial<Receipt>): Promise<Task> {
    const task = await this.command();
    await this.#peer.sendBytes(receiptFor(task.pack(), receipt));
    return task;
  }

  /** Sends a task to the one that came last. */
  async give(task: Task): Promise<void> {
    await this.#peer.send(task);
  }

  /** Cuts all connections, as one that is killed; the next ones are accepted. */
  cut(): void {
    for (const peer of this.#peers.splice(0)) peer.close();
  }

  /** Is gone. May be called twice. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#isGone) this.#gateway[Symbol.dispose]();
    this.#isGone = true;
    for (const peer of this.#peers) await peer[Symbol.asyncDispose]();
  }

  #greeting(list: readonly PlayedMember[], more: Greeting): Greeting {
    const { node, tag, cluster } = this;
    const gateways = list.map((member) => member.listed());
    const told = cluster === undefined ? {} : { cluster, gateways };
    return { node, tag, receipts: true, ...told, ...more };
  }

  get #peer(): RawWorker {
    const peer = this.#peers.at(-1);
    if (!peer) throw new Error(`node ${this.node}: nobody has come`);
    return peer;
  }
}
