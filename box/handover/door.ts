// HandoverDoor: where processes ask that want to take the place of this one: a Unix socket that
// only this user can use.

import type { Logger } from "../log/logger.ts";
import { type EpollLoop, Watched } from "../net/epoll_loop.ts";
import type { LocalPeer, Passing } from "../net/passing.ts";
import { Poll } from "../net/poll_events.ts";
import { DescriptorChannel, jsonOf, Message } from "./descriptor_channel.ts";
import { type EarlyCopy, EarlyGiving } from "./early_giving.ts";
import { giveAll, keep, type Write } from "./give.ts";
import type { Hello } from "./take.ts";

/** What is done by the one that is asked. */
export interface Giver {
  /** What is there, as something that is JSON. */
  offer(): unknown;
  /**
   * Has all stand still that may be in the middle of something; gives why it cannot. Without this
   * it stands still by itself once it is its turn.
   */
  readonly standStill?: () => Promise<string | undefined>;
  /** It is kept after all: what stands still goes on. */
  readonly goOn?: () => void;
  /** Ends what cannot go along, and writes all else. */
  readonly write: Write;
  /** Answers what the other one asks before it takes all; both are JSON. */
  readonly answer?: (question: unknown) => unknown;
  /**
   * Begins to give what is unlikely to change, while all goes on: `write`, when it is called while
   * that stands, writes the rest.
   */
  readonly copy?: () => EarlyCopy;
  /**
   * All of it is another's now.
   *
   * @returns Resolves when all has left that this process has sent; till then the other one finds
   * the connection open.
   */
  onGiven(by: LocalPeer): void | Promise<void>;
}

/** What a door needs. */
export interface DoorOptions {
  /** What those are that ask, for logs: `gateway`. */
  readonly role: string;
  /** The calls. */
  readonly passing: Passing;
  /** Whose it is. */
  readonly giver: Giver;
  /** Milliseconds that another one may take. */
  readonly timeoutMs: number;
  /** Where it is told what came of it. */
  readonly logger: Logger;
}

const VISITORS_MAX = 8;
// How long one may say nothing until it says that it wants it.
const PATIENCE_MS = 60_000;
const AGAIN_MS = 20;

/** Where those ask that want to take the place of this one. */
export class HandoverDoor extends Watched {
  readonly #options: DoorOptions;
  readonly #visitors = new Set<Visitor>();
  // Whether one of them is given all just now.
  #busy = false;

  /**
   * Lets those ask that come from now on.
   *
   * @param descriptor The socket that listens.
   */
  constructor(loop: EpollLoop, descriptor: number, options: DoorOptions) {
    super(loop, descriptor);
    this.#options = options;
    loop.ask(this, Poll.in);
  }

  /** For the loop. */
  onReady(): void {
    const descriptor = this.loop.calls.accept(this.descriptor);
    if (descriptor < 0) return;
    const { passing } = this.#options;
    const peer = passing.peerOf(descriptor);
    if (peer?.uid !== passing.ownUser || this.#visitors.size >= VISITORS_MAX) {
      passing.close(descriptor);
      return;
    }
    this.#visitors.add(
      new Visitor(this.loop, descriptor, {
        ...this.#options,
        peer,
        begins: () => {
          const begins = !this.#busy;
          this.#busy = true;
          return begins;
        },
        ends: () => this.#busy = false,
        gone: (visitor) => this.#visitors.delete(visitor),
      }),
    );
  }

  /** For the loop. */
  onLoopEnd(): void {
    this.events = 0;
    this.close();
  }

  /** Nobody can ask any more. */
  close(): void {
    this.release();
    for (const visitor of this.#visitors) visitor.close();
  }
}

/** What a visitor needs of its door. */
interface VisitorOptions extends DoorOptions {
  readonly peer: LocalPeer;
  /** Whether it can be given all now: nobody else is. */
  readonly begins: () => boolean;
  readonly ends: () => void;
  readonly gone: (visitor: Visitor) => void;
}

/** One that wants to take the place of this one. */
class Visitor extends Watched {
  readonly #options: VisitorOptions;
  readonly #channel: DescriptorChannel;
  #patience: ReturnType<typeof setTimeout> | undefined;
  #version = "";
  // What it was given early.
  #early: EarlyGiving | undefined;
  // While it is still to be told that all is kept.
  #again: ReturnType<typeof setInterval> | undefined;

  constructor(loop: EpollLoop, descriptor: number, options: VisitorOptions) {
    super(loop, descriptor);
    this.#options = options;
    this.#channel = new DescriptorChannel(options.passing, descriptor);
    this.#wait();
    loop.ask(this, Poll.in);
  }

  #wait(): void {
    clearTimeout(this.#patience);
    this.#patience = setTimeout(() => this.close(), PATIENCE_MS);
  }

  onReady(): void {
    const channel = this.#channel;
    const { giver, logger, begins } = this.#options;
    try {
      const message = channel.poll();
      if (!message) return;
      this.#wait();
      // It gets an answer at once or none.
      channel.deadline = 0;
      if (this.#options.peer.pid === 0) this.#refuseUnseen();
      else if (message.kind === Message.HELLO) {
        this.#version = String(jsonOf<Hello>(message).version);
        channel.sendJson(Message.OFFER, giver.offer());
      } else if (message.kind === Message.ASK && giver.answer) {
        channel.sendJson(Message.ANSWER, giver.answer(jsonOf(message)));
      } else if (message.kind === Message.COPY && giver.copy && !this.#early) {
        if (begins()) this.#copy(giver.copy());
        else this.#refuseBusy();
      } else if (message.kind === Message.TAKE) {
        if (this.#early || begins()) this.#give();
        else this.#refuseBusy();
      } else {
        if (message.kind === Message.REFUSE) {
          const why = new TextDecoder().decode(message.bytes);
          logger.warn(`${this.#name} does not take this one's place: ${why}`);
        }
        this.close();
      }
    } catch {
      // It is gone, or does not know what it says.
      this.close();
    }
  }
  onLoopEnd(): void {
    this.events = 0;
    this.close();
  }

  close(): void {
    clearTimeout(this.#patience);
    this.#endEarly();
    if (this.#again !== undefined) {
      this.#toldNow();
      // It does not know that it is not to touch anything, and nobody is left to tell it: once it
      // moved again it would take this process for dead, and go on with what it has got.
      if (!keep(this.#channel)) {
        this.#options.passing.kill(this.#options.peer.pid);
      }
    }
    this.release();
    this.#options.gone(this);
  }

  get #name(): string {
    return `${this.#options.role} ${this.#version}, process ${this.#options.peer.pid},`;
  }

  // Its process has no number here. It could not be ended where that is the only way that not both
  // go on, and to end process 0 ends this one.
  #refuseUnseen(): void {
    const why = "it cannot see this process, which is in another container";
    const { role, logger } = this.#options;
    logger.warn(`a ${role} is refused this one's place: ${why}`);
    this.#channel.sendText(Message.REFUSE, why);
    this.close();
  }

  #refuseBusy(): void {
    this.#channel.sendText(Message.REFUSE, "it is just handing over");
    this.close();
  }

  #copy(copy: EarlyCopy): void {
    const { timeoutMs, ends } = this.#options;
    this.#early = new EarlyGiving(this.#channel, {
      writeSome: (sink) => copy.writeSome(sink),
      end: () => {
        this.#early = undefined;
        copy.end();
        ends();
      },
    }, {
      timeoutMs,
      afterOthers: (work) => this.loop.afterOthers(work),
      onLate: () => {
        const seconds = timeoutMs / 1000;
        this.#tellKept(
          `it has taken longer than ${seconds} s (handoverTimeout)`,
        );
        this.close();
      },
    });
  }

  // In a turn of its own: what the turn before has left to do is done.
  #give(): void {
    const { standStill } = this.#options.giver;
    clearTimeout(this.#patience);
    this.#early?.stay();
    this.loop.ask(this, 0);
    if (!standStill) setTimeout(() => this.#giveNow(), 0);
    else standStill().then((why) => this.#giveStill(why));
  }

  // All stands still, or cannot, or the door was closed meanwhile.
  #giveStill(why: string | undefined): void {
    const { giver, ends } = this.#options;
    if (why === undefined && !this.released) return this.#giveNow();
    this.#endEarly();
    ends();
    giver.goOn?.();
    if (this.released) return;
    this.#tellKept(why!);
    try {
      this.#channel.sendText(Message.REFUSE, why!);
    } catch {
      // It has not waited.
    }
    this.close();
  }

  #giveNow(): void {
    const { giver, timeoutMs, logger, peer, passing, ends } = this.#options;
    const channel = this.#channel;
    const outcome = giveAll(
      { passing, channel, peer },
      giver.write,
      timeoutMs,
    );
    if (outcome.kind === "given") {
      logger.info(`${this.#name} has taken this one's place`);
      // Its door is closed now, and this connection later.
      this.#options.gone(this);
      const left = Promise.resolve(giver.onGiven(peer));
      this.#endEarly();
      void left.catch(() => {}).then(() => this.close());
      return;
    }
    this.#tellKept(outcome.why);
    this.#endEarly();
    ends();
    giver.goOn?.();
    if (outcome.told) this.close();
    else this.#keepLater();
  }

  #endEarly(): void {
    this.#early?.end();
  }

  #tellKept(why: string): void {
    this.#options.logger.warn(
      `${this.#name} has not taken this one's place, which goes on: ${why}`,
    );
  }

  // It does not read. As long as it has not been told that it is not to touch anything, it must not
  // find this end closed: it would take this process for dead.
  #keepLater(): void {
    this.#again = setInterval(() => {
      if (!keep(this.#channel)) return;
      this.#toldNow();
      this.close();
    }, AGAIN_MS);
  }

  #toldNow(): void {
    clearInterval(this.#again);
    this.#again = undefined;
  }
}
