// GatewayConnection: one connection to a gateway, from the hello on, watched so that its end is
// known before more is written to it.

import { BoxError, FrameReader, Task } from "@maple/box";
import {
  AwaitedReceipts,
  connectGateway,
  ConnWriter,
  decodeGreeting,
  formatAddress,
  type Greeting,
  PeerOpening,
  type Secret,
} from "@maple/box/internal";
import { TriggerError } from "./errors.ts";
import type { TriggerGateway } from "./options.ts";

// A gateway sends greetings and receipts, which name no more users than what they are about.
const MAX_FRAME_BYTES = 64 * 1024 * 1024;

// What a broken connection may take to be read to its end.
const LAST_READ_MS = 500;

/** One side has refused the other for its secret. */
export class SecretRefusal extends Error {}

/** How a connection is opened. */
export interface OpenOptions {
  /** The first frame: who the trigger is. */
  readonly hello: Uint8Array;
  /**
   * A gateway that does not greet in so many milliseconds, and stays, is an original one; undefined
   * where it is known that it greets: then it is waited for.
   */
  readonly greetingMs: number | undefined;
  /** What the trigger proves itself by, and the gateway to it. */
  readonly secret: Secret | undefined;
  /** With a secret a gateway is given up that asks for no proof in so many milliseconds. */
  readonly challengeMs: number;
  /** Ends the attempt. */
  readonly signal: AbortSignal;
  /** The gateway has said who it is, or that its list has changed. */
  readonly onGreeting: (greeting: Greeting) => void;
}

/** One connection to a gateway. */
export class GatewayConnection {
  /**
   * Resolves when it has ended: true when this side had finished and the gateway has then read
   * everything. Never rejects.
   */
  readonly ended: Promise<boolean>;
  /** The receipts that are waited for. */
  readonly receipts: AwaitedReceipts = new AwaitedReceipts();
  /** Where the gateway is. */
  readonly remote: string;
  readonly #conn: Deno.Conn<Deno.NetAddr>;
  readonly #writer: ConnWriter;
  readonly #reader = new FrameReader(Task, { frameBytes: MAX_FRAME_BYTES });
  #open = true;
  #closed = false;
  #finished = false;
  #greeting: Greeting | undefined;
  readonly #onGreeting: OpenOptions["onGreeting"];
  #hasTakenLeave = false;
  #stranger = false;
  readonly #hello: Uint8Array;
  readonly #opening: PeerOpening;
  // Why one side has refused the other.
  #refusal: string | undefined;
  #onAnswer: (() => void) | undefined;

  private constructor(
    conn: Deno.Conn<Deno.NetAddr>,
    { hello, secret, onGreeting }: OpenOptions,
  ) {
    this.#conn = conn;
    this.#writer = new ConnWriter(conn);
    this.remote = formatAddress(conn.remoteAddr);
    this.#onGreeting = onGreeting;
    this.#hello = hello;
    this.#opening = new PeerOpening(secret, "trigger");
    this.ended = this.#watch();
  }

  /**
   * Connects, says hello and waits until the gateway has greeted.
   *
   * @throws {Error} when the gateway cannot be reached or does not let the trigger in; a
   * TriggerError when what answers is no gateway, which another attempt would not change; a
   * SecretRefusal when one side has refused the other.
   */
  static async open(
    gateway: TriggerGateway,
    options: OpenOptions,
  ): Promise<GatewayConnection> {
    const { signal } = options;
    const conn = await connectGateway(gateway, signal);
    const connection = new GatewayConnection(conn, options);
    const cut = () => connection.cut();
    signal.addEventListener("abort", cut);
    try {
      await connection.#sayHello(options);
    } finally {
      signal.removeEventListener("abort", cut);
    }
    signal.throwIfAborted();
    return connection;
  }

  /** Whether it can be written to. */
  get open(): boolean {
    return this.#open;
  }

  /** Bytes of the longest frame that the gateway takes, as it has told. */
  get frameBytes(): number {
    return this.#greeting?.innerFrameMax ?? Infinity;
  }

  /** Whether the gateway gives receipts and answers questions. */
  get givesReceipts(): boolean {
    return this.#greeting?.receipts ?? false;
  }

  /** Which life of the gateway it is: another number is another one. */
  get life(): number | undefined {
    return this.#greeting?.tag;
  }

  /** Whether the gateway has greeted, as those of ours do. */
  get hasGreeted(): boolean {
    return this.#greeting !== undefined;
  }

  /** Whether the gateway has said that what has got no receipt was not taken. */
  get hasTakenLeave(): boolean {
    return this.#hasTakenLeave;
  }

  /**
   * Writes a whole frame. If that fails the connection ends, so that the gateway never takes the
   * part for a frame.
   *
   * @throws {Error} when the connection breaks or is cut.
   */
  async write(frame: Uint8Array): Promise<void> {
    try {
      for (let at = 0; at < frame.length;) {
        at += await this.#writer.write(frame.subarray(at));
      }
    } catch (error) {
      this.#abandon();
      throw error;
    }
  }

  /**
   * Ends this side. The gateway reads to the end and then ends its own, which is the only word it
   * ever gives that it has taken all.
   */
  finish(): void {
    if (!this.#open) return;
    this.#finished = true;
    this.#conn.closeWrite().catch(() => this.cut());
  }

  /** Ends it at once. */
  cut(): void {
    this.#open = false;
    if (this.#closed) return;
    this.#closed = true;
    this.#conn.close();
    this.#writer.end();
  }

  // It has broken: nothing is written any more, but receipts that are there already are read.
  #abandon(): void {
    if (!this.#open) return;
    this.#open = false;
    const timer = setTimeout(() => this.cut(), LAST_READ_MS);
    this.ended.then(() => clearTimeout(timer));
    this.#conn.closeWrite().catch(() => {});
  }

  async #sayHello(
    { greetingMs, challengeMs, signal }: OpenOptions,
  ): Promise<void> {
    const answered = new Promise<void>((resolve) => this.#onAnswer = resolve);
    const { waits } = this.#opening;
    const ms = waits ? challengeMs : greetingMs;
    const timer = ms === undefined ? undefined : setTimeout(
      () => waits ? this.#refuseUnasked() : this.#onAnswer?.(),
      ms,
    );
    // What breaks here is seen by whoever reads.
    if (!waits) await this.write(this.#hello).catch(() => {});
    await answered;
    clearTimeout(timer);
    if (signal.aborted) throw new Error("it does not let the trigger in");
    if (!this.#open) {
      this.#refusal ??= this.#opening.whyEnded;
    }
    if (this.#refusal !== undefined) throw new SecretRefusal(this.#refusal);
    if (this.#isStranger) {
      this.cut();
      throw new TriggerError(
        "connection",
        "what answers there is no gateway that lets triggers in; is it the gateway's inner port?",
      );
    }
    if (this.#hasTakenLeave) throw new Error("the gateway leaves");
    if (!this.#open) {
      throw new Error(
        "it has closed the connection before it let the trigger in: it may be full (its option innerConnsMax) or want a secret, or this is not its inner port",
      );
    }
  }

  // One that has asked for proof takes its time.
  #refuseUnasked(): void {
    const why = this.#opening.whyUnasked;
    if (why !== undefined) this.#refuse(why);
  }

  #refuse(why: string): void {
    this.#refusal = why;
    this.cut();
    this.#onAnswer?.();
  }

  // Whether the connection is open, and the frame one of those that come then.
  #isOpenedBy(frame: Uint8Array): boolean {
    const step = this.#opening.take(frame);
    if (step.kind === "refuse") this.#refuse(step.why);
    else if (step.kind === "send") {
      this.write(step.frame)
        .then(() => this.write(this.#hello))
        // It is seen by whoever reads.
        .catch(() => {});
    }
    return step.kind === "open";
  }

  async #watch(): Promise<boolean> {
    let taken = false;
    try {
      for (;;) {
        const count = await this.#conn.read(this.#reader.space());
        if (count === null) break;
        this.#reader.commit(count);
        for (let frame; (frame = this.#reader.next());) this.#onFrame(frame);
      }
      taken = this.#finished && !this.#isStranger;
    } catch (error) {
      // Broken or cut: nobody knows what the gateway has read. Unless it was no gateway.
      if (this.#open && isNoFrame(error)) this.#stranger = true;
    }
    this.cut();
    this.#onAnswer?.();
    return taken;
  }

  // A gateway sends whole greetings; an answer to a client may be shorter than any Task.
  get #isStranger(): boolean {
    return this.#stranger || this.#reader.bufferedBytes > 0;
  }

  #onFrame(frame: Uint8Array): void {
    if (!this.#opening.isOpen && !this.#isOpenedBy(frame)) return;
    const greeting = decodeGreeting(frame);
    if (greeting) {
      this.#greeting = greeting;
      this.#onGreeting(greeting);
    } else if (!this.#isReceipt(frame)) {
      this.#stranger = true;
      this.cut();
    }
    this.#onAnswer?.();
  }

  // What is still being written when a gateway leaves is not taken any more.
  #isReceipt(frame: Uint8Array): boolean {
    const receipt = this.receipts.take(frame);
    if (receipt === "farewell") {
      this.#hasTakenLeave = true;
      this.cut();
    }
    return receipt !== false;
  }
}

function isNoFrame(error: unknown): boolean {
  return error instanceof BoxError && error.code === "frame";
}
