// ChaosClient: sends numbered requests without pause and checks that each is answered once, and in
// order.

import { Box, RET } from "@maple/box";
import {
  type CloseCause,
  DenoConn,
  type FrameHandler,
  FrameSocket,
} from "@maple/box/internal";
import { eventually } from "../../helpers/eventually.ts";
import type { Address } from "../../helpers/raw_peer.ts";
import type { Deliveries } from "./deliveries.ts";
import type { ChaosEvents } from "./events.ts";
import { ChaosCmd, packWork, unpackAnswer, unpackMessage } from "./messages.ts";
import type { Random } from "../../helpers/random.ts";
import { WaitTimes } from "./wait_times.ts";
import { type ChaosLine, WebSocketLine } from "./web_socket_line.ts";

/** What all clients count together. */
export class ClientTotals {
  /** Requests that were sent. */
  sent = 0;
  /** Requests that a worker has answered. */
  answered = 0;
  /** Requests that were answered with `RET.WORKER_LOST`. */
  givenUp = 0;
  /** Requests that were answered with any other code. */
  refused = 0;
  /** Answers of a worker that was not the first one to have the request. */
  redelivered = 0;
  /** Answers to a request that had one. */
  answeredTwice = 0;
  /** Answers that came before that of an earlier request. */
  outOfOrder = 0;
  /** Answers that belong to another client or request. */
  foreign = 0;
  /** Clients that were disconnected. */
  disconnected = 0;
  /** Broadcasts that came. */
  broadcasts = 0;
  /** Broadcasts that came twice or before an earlier one. */
  broadcastsOutOfOrder = 0;
  /** How long the clients waited for each answer. */
  readonly waits: WaitTimes = new WaitTimes();
  /** The processes that have answered. */
  readonly pids: Set<number> = new Set();
}

/** What a client works with. */
export interface ChaosClientContext {
  /** What is counted. */
  readonly totals: ClientTotals;
  /** Where faults are noted. */
  readonly events: ChaosEvents;
  /** By which it chooses how long the handlers take. */
  readonly random: Random;
  /** What is checked of messages to users and groups; undefined where nobody looks. */
  readonly deliveries?: Deliveries | undefined;
  /** Whether it may send one more request. */
  readonly mayGoOn: () => boolean;
}

/** How a client is made. */
export interface ChaosClientOptions {
  /** Its number, which is its uid as well. */
  readonly number: number;
  /** How many requests it has under way at a time. */
  readonly depth: number;
  /** One in so many of its requests takes some time. */
  readonly slowEvery: number;
  /** Whether it speaks by a WebSocket. @default {false} */
  readonly isWebSocket?: boolean;
  /** The context of all clients. */
  readonly context: ChaosClientContext;
}

/** A client that sends numbered requests without pause. */
export class ChaosClient implements FrameHandler, AsyncDisposable {
  readonly #number: number;
  readonly #depth: number;
  readonly #slowEvery: number;
  readonly #context: ChaosClientContext;
  readonly #socket: ChaosLine;
  readonly #running: Promise<void>;
  // When each request under way was sent, by its number modulo the depth.
  readonly #sentAt: number[] = [];
  #lastSeq = 0;
  #nextAnswer = 1;
  #lastBroadcast = 0;
  #leaves = false;
  #leaving = false;
  #onAnswer: (() => void) | undefined;

  private constructor(
    socket: ChaosLine,
    { number, depth, slowEvery, context }: ChaosClientOptions,
  ) {
    this.#number = number;
    this.#depth = depth;
    this.#slowEvery = slowEvery;
    this.#context = context;
    this.#socket = socket;
    this.#running = this.#socket.run(this);
  }

  /** Connects, and logs in as user `number`. */
  static async connect(
    address: Address,
    options: ChaosClientOptions,
  ): Promise<ChaosClient> {
    const socket = options.isWebSocket
      ? await WebSocketLine.open(address)
      : await tcpLine(address);
    const client = new ChaosClient(socket, options);
    const answered = new Promise<void>((resolve) => client.#onAnswer = resolve);
    client.#send(ChaosCmd.LOGIN, 0);
    await answered;
    client.#onAnswer = undefined;
    return client;
  }

  /** How many requests are not answered yet. */
  get waiting(): number {
    return this.#lastSeq - this.#nextAnswer + 1;
  }

  /** Begins to send. */
  start(): void {
    while (this.waiting < this.#depth && this.#sendNext());
  }

  /** Waits for its last answers, and disconnects. */
  async leave(): Promise<void> {
    this.#leaves = true;
    await eventually(
      () => this.waiting <= 0 || this.#socket.closed,
      { timeout: 90_000 },
    );
    await this[Symbol.asyncDispose]();
  }

  /** Disconnects in order. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#leaving = true;
    this.#socket.close();
    await this.#running;
  }

  /** Called by the socket. */
  onFrame(frame: Uint8Array): void {
    const box = Box.fromFrame(frame);
    if (box.cmd === ChaosCmd.BROADCAST) this.#onBroadcast(box.sn);
    else if (box.cmd === ChaosCmd.MESSAGE) {
      const { deliveries } = this.#context;
      deliveries?.arrived(this.#number, unpackMessage(box.body));
    } else if (this.#isNext(box.sn)) {
      this.#onAnswerTo(box.sn, box.ret, box.body);
    }
  }

  /** Called by the socket. */
  onClose(cause: CloseCause): void {
    this.#onAnswer?.();
    if (this.#leaving) return;
    this.#context.totals.disconnected++;
    this.#note(`disconnected: ${cause.message}`);
  }

  #sendNext(): boolean {
    const { mayGoOn, random } = this.#context;
    if (this.#leaves || this.#leaving || this.#socket.closed) return false;
    if (!mayGoOn()) return false;
    // Most handlers answer at once, some take a little, some go on after it.
    const isSlow = random.between(1, this.#slowEvery) === 1;
    this.#send(ChaosCmd.WORK, isSlow ? random.between(1, 20) : 0);
    return true;
  }

  #send(cmd: number, before: number): void {
    const seq = ++this.#lastSeq;
    const work = {
      client: this.#number,
      seq,
      before,
      after: Math.max(0, before - 10),
    };
    this.#sentAt[seq % this.#depth] = performance.now();
    this.#context.totals.sent++;
    this.#socket.send(new Box({ cmd, sn: seq, body: packWork(work) }).pack());
  }

  #isNext(seq: number): boolean {
    const next = this.#nextAnswer;
    if (seq === next) return true;
    const { totals } = this.#context;
    if (seq < next) {
      totals.answeredTwice++;
      this.#note(`request ${seq} is answered again, expected ${next}`);
      return false;
    }
    totals.outOfOrder++;
    this.#note(`request ${seq} is answered before request ${next}`);
    this.#nextAnswer = seq;
    return true;
  }

  #onAnswerTo(seq: number, ret: number, body: Uint8Array): void {
    const { totals } = this.#context;
    this.#nextAnswer = seq + 1;
    totals.waits.add(performance.now() - this.#sentAt[seq % this.#depth]!);
    if (ret === 0) this.#onWork(seq, body);
    else if (ret === RET.WORKER_LOST) totals.givenUp++;
    else {
      totals.refused++;
      this.#note(`request ${seq} is answered with code ${ret}`);
    }
    if (this.#onAnswer) this.#onAnswer();
    else this.#sendNext();
  }

  #onWork(seq: number, body: Uint8Array): void {
    const { totals } = this.#context;
    const answer = unpackAnswer(body);
    totals.answered++;
    totals.pids.add(answer.pid);
    if (answer.redelivered) totals.redelivered++;
    if (answer.client !== this.#number || answer.seq !== seq) {
      totals.foreign++;
      this.#note(
        `request ${seq} got the answer to request ${answer.seq} of client ${answer.client}`,
      );
    }
  }

  #onBroadcast(number: number): void {
    const { totals } = this.#context;
    totals.broadcasts++;
    if (number <= this.#lastBroadcast) {
      totals.broadcastsOutOfOrder++;
      this.#note(`broadcast ${number} came after ${this.#lastBroadcast}`);
    }
    this.#lastBroadcast = number;
  }

  #note(what: string): void {
    this.#context.events.note(`CLIENT ${this.#number}: ${what}`);
  }
}

async function tcpLine(address: Address): Promise<FrameSocket> {
  const conn = await Deno.connect(address);
  conn.setNoDelay(true);
  return new FrameSocket(new DenoConn(conn), { framing: Box });
}
