// Taking: takes the place of a process that runs, over its Unix socket.

import type { Passing } from "../net/passing.ts";
import {
  DescriptorChannel,
  jsonOf,
  Message,
  PeerGone,
  PeerLate,
  type ReceivedMessage,
  type Sent,
  textOf,
} from "./descriptor_channel.ts";
import type { StateTaker } from "./state_sink.ts";

/** What is told of a process that wants to take another one's place. */
export interface Hello {
  /** Its version. */
  readonly version: string;
  /** Its process. */
  readonly pid: number;
}

// Nobody listens there.
const NO_ENTRY = -2;
const REFUSED = -111;
const LOOK_MS = 2;

/**
 * How another process is asked.
 *
 * @typeParam O What it tells of what is there.
 */
export interface AskOptions<O> {
  /** Whose place it is, for errors: `the gateway at PATH`. */
  readonly whose: string;
  /** What it is told of this one. */
  readonly hello: Hello;
  /** Milliseconds that it may take. */
  readonly timeoutMs: number;
  /** Why what is there cannot be taken: then it is told so. @default anything can */
  readonly whyNot?: (offer: O) => string | undefined;
  /** Makes the error of its package. */
  readonly fail: (message: string, options?: ErrorOptions) => Error;
}

/** The other process has died before it had handed over all, or another one has its place. */
export class GiverDied extends Error {}

/**
 * A process that runs, and can be replaced.
 *
 * @typeParam O What it tells of what is there.
 */
export class Taking<O> implements Disposable {
  /** What is there. */
  readonly offer: O;
  readonly #passing: Passing;
  readonly #descriptor: number;
  readonly #channel: DescriptorChannel;
  readonly #options: AskOptions<O>;
  readonly #descriptors: number[] = [];
  #closed = false;

  private constructor(
    passing: Passing,
    at: {
      readonly descriptor: number;
      readonly channel: DescriptorChannel;
      readonly offer: O;
    },
    options: AskOptions<O>,
  ) {
    this.#passing = passing;
    this.#descriptor = at.descriptor;
    this.#channel = at.channel;
    this.#options = options;
    this.offer = at.offer;
  }

  /**
   * Asks whoever listens at a path what is there.
   *
   * @returns undefined when nobody does.
   * @throws {Error} that of `fail`, with one line, when it does not answer as it should, or what it
   * has cannot be taken.
   */
  static async ask<O>(
    passing: Passing,
    path: string,
    options: AskOptions<O>,
  ): Promise<Taking<O> | undefined> {
    const taking = await Taking.#reach(passing, path, options);
    let why: string | undefined;
    try {
      why = taking && options.whyNot?.(taking.offer);
    } catch (error) {
      why = lineOf(error);
    }
    if (why === undefined) return taking;
    taking!.refuse(why);
    taking![Symbol.dispose]();
    throw taking!.cannot(why);
  }

  static async #reach<O>(
    passing: Passing,
    path: string,
    options: AskOptions<O>,
  ): Promise<Taking<O> | undefined> {
    const { hello, timeoutMs } = options;
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      const descriptor = passing.connect(path);
      if (descriptor === NO_ENTRY || descriptor === REFUSED) return undefined;
      if (descriptor < 0) throw cannot(options, passing.describe(descriptor));
      const channel = new DescriptorChannel(passing, descriptor);
      try {
        // Whoever else may listen there must not be believed.
        if (passing.peerOf(descriptor)?.uid !== passing.ownUser) {
          throw new Error("it is another user's");
        }
        channel.deadline = deadline;
        channel.sendJson(Message.HELLO, hello);
        const answer = await next(channel);
        if (answer.kind === Message.REFUSE) throw new Error(textOf(answer));
        if (answer.kind !== Message.OFFER) throw unknownKind(answer);
        const offer = jsonOf<O>(answer);
        return new Taking(passing, { descriptor, channel, offer }, options);
      } catch (error) {
        passing.close(descriptor);
        // Another one may have taken its place, and listens there now.
        const isGone = error instanceof PeerGone;
        if (!isGone || performance.now() > deadline) {
          throw cannot(options, lineOf(error));
        }
      }
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
  }

  /** The error that says why its place cannot be taken. */
  cannot(why: string, options?: ErrorOptions): Error {
    return cannot(this.#options, why, options);
  }

  /**
   * Asks something before it is taken; both are JSON.
   *
   * @throws {Error} with one line, when the other one is gone or does not answer.
   */
  async question<A>(question: unknown): Promise<A> {
    const channel = this.#channel;
    channel.deadline = performance.now() + this.#options.timeoutMs;
    channel.sendJson(Message.ASK, question);
    const answer = await next(channel);
    if (answer.kind === Message.REFUSE) throw new Error(textOf(answer));
    return jsonOf<A>(answer);
  }

  /**
   * Resolves when all has left that the other one has sent to others before it was taken, or it has
   * died.
   *
   * @param timeoutMs How long that is waited for.
   */
  async left(timeoutMs: number): Promise<void> {
    this.#channel.deadline = performance.now() + timeoutMs;
    try {
      for (;;) await next(this.#channel);
    } catch {
      // It is gone, or too late.
    }
  }

  /**
   * Takes early what is unlikely to change, while the other one serves; `take` takes the rest.
   *
   * @param taker Puts it aside: whether it holds still, `take` tells.
   * @throws {Error} that of `fail`, with one line, when it cannot be taken.
   */
  async copy(taker: StateTaker): Promise<void> {
    const channel = this.#channel;
    channel.deadline = performance.now() + this.#options.timeoutMs;
    const come: Sent = { bytes: 0, descriptors: 0 };
    try {
      this.#askFor(Message.COPY);
      while (!this.#takes(await next(channel), come, taker));
    } catch (cause) {
      const message = lineOf(diedOr(cause));
      this.refuse(message);
      throw this.cannot(message, { cause });
    }
  }

  /**
   * Takes all of it, while nothing else of this process moves.
   *
   * @param taker Puts it into this process, which does nothing with it yet; throws when it cannot.
   * @throws {GiverDied} when the other one has died, and nothing can be taken.
   * @throws {Error} with one line, when it cannot be taken: the other one goes on.
   */
  take(taker: StateTaker): void {
    const channel = this.#channel;
    // The other one gives up before this one does.
    channel.deadline = performance.now() + 2 * this.#options.timeoutMs;
    try {
      this.#askFor(Message.TAKE);
      const come: Sent = { bytes: 0, descriptors: 0 };
      while (!this.#takes(this.#receive(), come, taker));
    } catch (error) {
      if (error instanceof GiverDied) throw error;
      const why = lineOf(error);
      this.refuse(why);
      throw new Error(why, { cause: error });
    }
    const why = this.#becomesMine();
    if (why !== undefined) throw new Error(why);
    // What came is this process's own now.
    this.#descriptors.length = 0;
  }

  /** Tells the other one that nothing is taken, and why. */
  refuse(why: string): void {
    this.#channel.deadline = 0;
    try {
      this.#channel.sendText(Message.REFUSE, why);
    } catch {
      // It is gone, or sees that this one is.
    }
  }

  /** Closes the connection, and what came and was not taken. May be called twice. */
  [Symbol.dispose](): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const one of this.#descriptors) this.#passing.close(one);
    this.#passing.close(this.#descriptor);
  }

  // Whether all of it has come with this message.
  #takes(message: ReceivedMessage, come: Sent, taker: StateTaker): boolean {
    const { bytes, descriptors } = message;
    this.#descriptors.push(...descriptors);
    switch (message.kind) {
      case Message.STATE:
        come.bytes += bytes.length;
        taker.bytes(bytes);
        return false;
      case Message.DESCRIPTORS:
        come.descriptors += descriptors.length;
        taker.descriptors(descriptors);
        return false;
      case Message.COPIED:
      case Message.END: {
        const sent = jsonOf<Sent>(message);
        const isWhole = sent.bytes === come.bytes &&
          sent.descriptors === come.descriptors;
        if (!isWhole) throw new Error("not all of what was sent has come");
        taker.end();
        return true;
      }
      case Message.KEEP:
        throw new Error("it keeps all, and goes on");
      case Message.REFUSE:
        throw new Error(textOf(message));
      default:
        throw unknownKind(message);
    }
  }

  #askFor(kind: number): void {
    try {
      this.#channel.send(kind);
    } catch (error) {
      // What it has said before it went is still there.
      if (!(error instanceof PeerGone)) throw error;
    }
  }

  #receive(): ReceivedMessage {
    try {
      return this.#channel.receive();
    } catch (error) {
      throw diedOr(error);
    }
  }

  // Why it does not; undefined when all is this one's from now on.
  #becomesMine(): string | undefined {
    const channel = this.#channel;
    try {
      channel.send(Message.MINE);
    } catch {
      // What it has said before it went is still there.
    }
    let answer: ReceivedMessage;
    try {
      answer = channel.receive();
    } catch (error) {
      if (error instanceof PeerLate) return "it does not answer any more";
      // It has died, and nobody else has what was given: whoever keeps it says so before.
      return undefined;
    }
    if (answer.kind !== Message.YOURS) return "it keeps all, and goes on";
    try {
      channel.send(Message.SERVING);
    } catch {
      // It has died.
    }
    return undefined;
  }
}

function unknownKind({ kind }: ReceivedMessage): Error {
  return new Error(`it sends a message of kind ${kind}`);
}

// Who takes it says in a line what is wrong. What only breaks there was never written so.
const BREAKS = [TypeError, RangeError, SyntaxError];
// Of what another process has written may be in it.
const NOT_OF_A_LINE = /[\s\p{Cc}]+/gu;
const LINE_MAX = 300;

/** What is wrong with what has come, in one line. */
export function lineOf(error: unknown): string {
  const { message } = error as Error;
  const line = message.replace(NOT_OF_A_LINE, " ").slice(0, LINE_MAX);
  return BREAKS.some((one) => error instanceof one)
    ? `what has come cannot be understood (${line})`
    : line;
}

function cannot(
  { whose, fail }: Pick<AskOptions<never>, "whose" | "fail">,
  why: string,
  options?: ErrorOptions,
): Error {
  return fail(`Cannot take the place of ${whose}: ${why}`, options);
}

async function next(channel: DescriptorChannel): Promise<ReceivedMessage> {
  for (;;) {
    const message = channel.poll();
    if (message) return message;
    if (performance.now() > channel.deadline) {
      throw new PeerLate("it does not answer");
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}

function diedOr(error: unknown): unknown {
  return error instanceof PeerGone
    ? new GiverDied("it has died, or another one has its place since")
    : error;
}
