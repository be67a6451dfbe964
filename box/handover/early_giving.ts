// EarlyGiving: gives the one that wants to take this process's place a part of the state early,
// while all goes on, so that less is to be done when all stands still. It never waits: where the
// other one has no room for more it tries again later.

import { type DescriptorChannel, Message } from "./descriptor_channel.ts";
import { MessageSink } from "./message_sink.ts";
import type { StateSink } from "./state_sink.ts";

/** What is given early. */
export interface EarlyCopy {
  /** Writes a little more of it; whether there is more still. */
  writeSome(sink: StateSink): boolean;
  /** It is of no use any more, or was used: what stood still for it goes on. */
  end(): void;
}

/** How it is given. */
export interface EarlyGivingOptions {
  /** Milliseconds for which it may be of use. */
  readonly timeoutMs: number;
  /** Calls `work` when all others who have something to do have had their turn. */
  readonly afterOthers: (work: () => void) => void;
  /** The other one has not read all of it in that time. */
  readonly onLate: () => void;
}

interface Unsent {
  readonly kind: number;
  readonly bytes: Uint8Array;
  readonly descriptors?: readonly number[] | undefined;
}

// How long to wait where the other one has no room.
const AGAIN_MS = 1;
const UTF8 = new TextEncoder();

/** Gives it, a little in each turn. */
export class EarlyGiving {
  readonly #channel: DescriptorChannel;
  readonly #copy: EarlyCopy;
  readonly #options: EarlyGivingOptions;
  #unsent: Unsent[] = [];
  readonly #sink = new MessageSink((kind, bytes, descriptors) => {
    this.#unsent.push({ kind, bytes: bytes.slice(), descriptors });
  });
  #hasMore = true;
  #isTold = false;
  #ended = false;
  #late: ReturnType<typeof setTimeout> | undefined;
  #again: ReturnType<typeof setTimeout> | undefined;

  /** It begins at once. */
  constructor(
    channel: DescriptorChannel,
    copy: EarlyCopy,
    options: EarlyGivingOptions,
  ) {
    this.#channel = channel;
    this.#copy = copy;
    this.#options = options;
    this.#late = setTimeout(() => this.#isLate(), options.timeoutMs);
    this.#goOn();
  }

  /** The other one wants all now: what it has got stays of use until `end`. */
  stay(): void {
    clearTimeout(this.#late);
  }

  /** It is of no use any more, or was used. May be called twice. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    clearTimeout(this.#late);
    clearTimeout(this.#again);
    this.#unsent = [];
    this.#copy.end();
  }

  // Whoever has got all of it can still want the rest, and is then given all anew.
  #isLate(): void {
    if (this.#isTold && this.#unsent.length === 0) this.end();
    else this.#options.onLate();
  }

  #goOn(): void {
    this.#options.afterOthers(() => this.#step());
  }

  #step(): void {
    if (this.#ended) return;
    try {
      if (this.#unsent.length === 0) this.#write();
      if (!this.#send()) {
        this.#again = setTimeout(() => this.#step(), AGAIN_MS);
      } else if (!this.#isTold) this.#goOn();
    } catch {
      // It is gone. What it has said before that is still to be heard.
      this.end();
    }
  }

  #write(): void {
    if (this.#hasMore) this.#hasMore = this.#copy.writeSome(this.#sink);
    else {
      this.#isTold = true;
      const bytes = UTF8.encode(JSON.stringify(this.#sink.sent));
      this.#unsent.push({ kind: Message.COPIED, bytes });
    }
  }

  // Whether all of it has left.
  #send(): boolean {
    let sent = 0;
    for (const { kind, bytes, descriptors } of this.#unsent) {
      if (!this.#channel.trySend(kind, bytes, descriptors)) break;
      sent++;
    }
    this.#unsent.splice(0, sent);
    return this.#unsent.length === 0;
  }
}
