// ClusterClient: a user of a cluster, who sends requests and messages to other users without pause,
// checks what comes, and comes back when it is cut off.

import { Box, RET } from "@maple/box";
import {
  type CloseCause,
  DenoConn,
  type FrameHandler,
  FrameSocket,
} from "@maple/box/internal";
import type { Address } from "../../helpers/raw_peer.ts";
import type { Random } from "../../helpers/random.ts";
import type { ClientTotals } from "./chaos_client.ts";
import type { Deliveries, Excuse } from "./deliveries.ts";
import type { ChaosEvents } from "./events.ts";
import {
  type Answer,
  ChaosCmd,
  Outcome,
  packErrand,
  packWork,
  unpackAnswer,
  unpackMessage,
} from "./messages.ts";

/** What all of them count besides. */
export class ClusterTotals {
  /** Requests whose client was cut off with its gateway. */
  cut = 0;
  /** Messages to users of which a receipt says that they have them. */
  delivered = 0;
  /** Messages of which a receipt says that nobody was there. */
  offline = 0;
  /** Messages of which a receipt says that not all gateways have told. */
  unknown = 0;
  /** Messages that were sent without asking for a receipt. */
  unasked = 0;
  /** How often a client came back. */
  cameBack = 0;
}

/** What a client works with. */
export interface ClusterClientContext {
  /** What is counted of requests. */
  readonly totals: ClientTotals;
  /** What is counted besides. */
  readonly more: ClusterTotals;
  /** What is checked of messages. */
  readonly deliveries: Deliveries;
  /** Where faults are noted. */
  readonly events: ChaosEvents;
  /** By which it chooses what to do. */
  readonly random: Random;
  /** How many users there are. */
  readonly users: number;
  /** Whether it may send one more request. */
  readonly mayGoOn: () => boolean;
  /** A gateway that serves now. */
  readonly choose: () => Address;
  /** Whether gateways are killed, so that clients are cut. */
  readonly mayBeCut: boolean;
}

interface Request {
  readonly seq: number;
  readonly sentAt: number;
  /** The user that a message is for; undefined when it is no errand. */
  readonly to: number | undefined;
}

const BACK_MS = 100;

/** A user of a cluster. */
export class ClusterClient implements FrameHandler, AsyncDisposable {
  /** Who it is, from 1: its uid. */
  readonly number: number;
  /** Whether the messages that it gets count. */
  isHeard = true;
  readonly #depth: number;
  readonly #context: ClusterClientContext;
  #socket: FrameSocket | undefined;
  #running: Promise<void> = Promise.resolve();
  #underWay: Request[] = [];
  #lastSeq = 0;
  #isLoggedIn = false;
  #leaving = false;
  #away: Excuse | undefined;
  #coming: Promise<void> | undefined;

  /** It is not connected before `connect`. */
  constructor(number: number, depth: number, context: ClusterClientContext) {
    this.number = number;
    this.#depth = depth;
    this.#context = context;
  }

  /** How many requests are not answered yet. */
  get waiting(): number {
    return this.#underWay.length;
  }

  /** Whether it is logged in. */
  get isLoggedIn(): boolean {
    return this.#isLoggedIn;
  }

  /** Connects and asks to be logged in. */
  async connect(address: Address): Promise<void> {
    const conn = await Deno.connect(address);
    conn.setNoDelay(true);
    this.#socket = new FrameSocket(new DenoConn(conn), { framing: Box });
    this.#running = this.#socket.run(this);
    this.#send(ChaosCmd.LOGIN, undefined);
  }

  /** Sends as much as it may have under way. */
  start(): void {
    while (this.#isLoggedIn && this.waiting < this.#depth && this.#sendNext());
  }

  /** Disconnects in order. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#leaving = true;
    await this.#coming;
    this.#socket?.close();
    await this.#running;
  }

  /** Called by the socket. */
  onFrame(frame: Uint8Array): void {
    const box = Box.fromFrame(frame);
    switch (box.cmd) {
      case ChaosCmd.LOGIN:
      case ChaosCmd.WORK:
      case ChaosCmd.SEND:
        return this.#onAnswer(box.sn, box.ret, box.body);
      case ChaosCmd.MESSAGE: {
        if (!this.isHeard) return;
        const { deliveries } = this.#context;
        deliveries.arrived(this.number, unpackMessage(box.body));
      }
    }
  }

  /** Called by the socket. */
  onClose(cause: CloseCause): void {
    this.#isLoggedIn = false;
    if (this.#leaving) return;
    const { totals, more, deliveries, events, mayBeCut } = this.#context;
    totals.disconnected++;
    if (!mayBeCut) {
      events.note(`CLIENT ${this.number}: disconnected: ${cause.message}`);
      return;
    }
    more.cut += this.#underWay.length;
    totals.sent -= this.#underWay.length;
    this.#underWay = [];
    // What was sent a moment ago may have been on its way through that gateway.
    this.#away ??= deliveries.excuse(performance.now() - 3000, this.number);
    this.#coming ??= this.#comeBack();
  }

  async #comeBack(): Promise<void> {
    while (!this.#leaving) {
      await new Promise((resolve) => setTimeout(resolve, BACK_MS));
      try {
        await this.connect(this.#context.choose());
        break;
      } catch {
        // That one does not serve yet, or no more.
      }
    }
    this.#coming = undefined;
  }

  #sendNext(): boolean {
    const { mayGoOn, random, users } = this.#context;
    if (this.#leaving || !this.#socket || this.#socket.closed || !mayGoOn()) {
      return false;
    }
    if (random.between(1, 3) === 1) this.#send(ChaosCmd.WORK, undefined);
    else this.#send(ChaosCmd.SEND, random.between(1, users));
    return true;
  }

  #send(cmd: number, to: number | undefined): void {
    const { totals, random } = this.#context;
    const seq = ++this.#lastSeq;
    const client = this.number;
    this.#underWay.push({ seq, sentAt: performance.now(), to });
    totals.sent++;
    const body = to === undefined
      ? packWork({
        client,
        seq,
        before: random.between(0, 9) === 0 ? 5 : 0,
        after: 0,
      })
      : packErrand({ client, seq, to, receipt: random.between(0, 1) === 0 });
    this.#socket!.send(new Box({ cmd, sn: seq, body }).pack());
  }

  #onAnswer(seq: number, ret: number, body: Uint8Array): void {
    const { totals, events } = this.#context;
    const at = this.#underWay.findIndex((one) => one.seq === seq);
    if (at < 0) {
      totals.answeredTwice++;
      events.note(`CLIENT ${this.number}: request ${seq} is answered again`);
      return;
    }
    if (at > 0) {
      totals.outOfOrder++;
      events.note(`CLIENT ${this.number}: ${seq} is answered before others`);
    }
    const [request] = this.#underWay.splice(at, 1);
    totals.waits.add(performance.now() - request!.sentAt);
    if (ret === 0) this.#onDone(request!, unpackAnswer(body));
    else if (ret === RET.WORKER_LOST) totals.givenUp++;
    else {
      totals.refused++;
      events.note(`CLIENT ${this.number}: request ${seq} got code ${ret}`);
    }
    if (!this.#isLoggedIn) this.#onLogin(ret);
    this.start();
  }

  #onLogin(ret: number): void {
    // A worker was lost over it: once more.
    if (ret !== 0) return this.#send(ChaosCmd.LOGIN, undefined);
    this.#isLoggedIn = true;
    if (!this.#away) return;
    // Answered is not yet told to all.
    this.#away.to = performance.now() + 1000;
    this.#away = undefined;
    this.#context.more.cameBack++;
  }

  #onDone({ seq, sentAt, to }: Request, answer: Answer): void {
    const { totals, more, deliveries, events } = this.#context;
    totals.answered++;
    totals.pids.add(answer.pid);
    if (answer.redelivered) totals.redelivered++;
    if (answer.client !== this.number || answer.seq !== seq) {
      totals.foreign++;
      events.note(
        `CLIENT ${this.number}: request ${seq} got the answer to ${answer.seq} of ${answer.client}`,
      );
    }
    if (to === undefined) return;
    switch (answer.outcome) {
      case Outcome.DELIVERED:
        more.delivered++;
        deliveries.expect({ from: this.number, to, seq }, sentAt, true);
        break;
      case Outcome.OFFLINE:
        more.offline++;
        break;
      case Outcome.UNKNOWN:
        more.unknown++;
        break;
      default:
        more.unasked++;
        deliveries.expect({ from: this.number, to, seq }, sentAt, false);
    }
  }
}
