// EventFeed: server-sent events to whoever listens.

// A listener that leaves so many events unread gets no more until it has read some.
const UNREAD_MAX = 4;
// A listener that let so many events pass since is gone, or may as well be.
const MISSED_MAX = 30;
const RETRY_MS = 2000;

interface Listener {
  readonly controller: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>>;
  missed: number;
}

/**
 * Sends the same events to a bounded number of listeners. A slow one misses events rather than
 * letting them pile up.
 */
export class EventFeed {
  readonly #listenersMax: number;
  readonly #listeners = new Set<Listener>();
  #closed = false;

  /** @param listenersMax How many may listen at a time. */
  constructor(listenersMax: number) {
    this.#listenersMax = listenersMax;
  }

  /** How many listen now. */
  get size(): number {
    return this.#listeners.size;
  }

  /**
   * Lets one more listen.
   *
   * @param first The events that only this one gets, first of all; see {@linkcode eventText}.
   * @returns The answer that carries the events; 503 when too many listen, or the feed is closed.
   */
  open(first: string): Response {
    if (this.#closed || this.#listeners.size >= this.#listenersMax) {
      return new Response(
        this.#closed
          ? "No events any more.\n"
          : `${this.#listenersMax} listen already, the most that may.\n`,
        { status: 503, headers: { "retry-after": "10" } },
      );
    }
    let listener: Listener;
    const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
      start: (controller) => {
        listener = { controller, missed: 0 };
        this.#listeners.add(listener);
        controller.enqueue(encode(`retry: ${RETRY_MS}\n\n${first}`));
      },
      cancel: () => {
        this.#listeners.delete(listener);
      },
    }, { highWaterMark: UNREAD_MAX });
    return new Response(body, {
      headers: {
        "content-type": "text/event-stream",
        "cache-control": "no-store",
      },
    });
  }

  /** Sends an event to all that keep up. */
  send(event: string): void {
    const bytes = encode(event);
    for (const listener of this.#listeners) {
      const { controller } = listener;
      if ((controller.desiredSize ?? 0) > 0) {
        controller.enqueue(bytes);
        listener.missed = 0;
      } else if (++listener.missed >= MISSED_MAX) {
        this.#listeners.delete(listener);
        controller.error(new Error("it does not read"));
      }
    }
  }

  /** Ends all answers; nobody can listen any more. */
  close(): void {
    this.#closed = true;
    for (const { controller } of this.#listeners) controller.close();
    this.#listeners.clear();
  }
}

/** One event in the form of the wire. */
export function eventText(name: string, data: unknown): string {
  return `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
}

function encode(text: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(new TextEncoder().encode(text));
}
