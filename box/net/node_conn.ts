// NodeConn: a connection of node:net, or of node:tls once it is secured, as a Conn.

import type net from "node:net";
import type { ByteSink, Conn } from "./conn.ts";

// What is written at a time: TLS has a copy of it until the other side has taken it.
const WRITE_BYTES = 64 * 1024;

/** A connection of `node:net`, or of `node:tls` once it is secured, as a {@linkcode Conn}. */
export class NodeConn implements Conn {
  /** Address and port of the other side. */
  readonly remoteAddr: Deno.NetAddr;
  #socket: net.Socket;
  #sink: ByteSink | undefined;
  // What came and is not given to the sink yet.
  #chunk: Uint8Array | undefined;
  // Whether the sink does not want it now.
  #paused = false;
  #ended = false;
  #error: unknown;
  #onEnded: (() => void) | undefined;

  /**
   * Takes a connection over.
   *
   * @param socket The connection, which belongs to this object from now on.
   */
  constructor(socket: net.Socket) {
    this.#socket = socket;
    this.remoteAddr = {
      transport: "tcp",
      hostname: socket.remoteAddress!,
      port: socket.remotePort!,
    };
    socket.setNoDelay(true);
    socket.setKeepAlive(true);
    this.#follow(socket);
  }

  /** Gives what comes to the sink. */
  async run(sink: ByteSink): Promise<void> {
    this.#sink = sink;
    this.#give();
    if (!this.#paused) this.#socket.on("data", this.#onData);
    if (!this.#ended) {
      await new Promise<void>((resolve) => this.#onEnded = resolve);
    }
    await sink.ended(this.#error);
  }

  /** Writes some of the bytes. */
  write(bytes: Uint8Array): Promise<number> {
    const some = bytes.length > WRITE_BYTES
      ? bytes.subarray(0, WRITE_BYTES)
      : bytes;
    return new Promise((resolve, reject) =>
      this.#socket.write(
        some,
        (error) => error ? reject(error) : resolve(some.length),
      )
    );
  }

  /** Tells the other side that nothing more comes. */
  closeWrite(): Promise<void> {
    return new Promise((resolve, reject) =>
      this.#socket.end((error?: Error | null) =>
        error ? reject(error) : resolve()
      )
    );
  }

  /** Closes it at once. */
  close(): void {
    this.#socket.destroy();
  }

  /**
   * Puts another connection, made around the present one, in its place.
   *
   * @param wrap Makes it of the present one, in front of whose bytes is what came and was given to
   * nobody.
   * @param rest What was given to the sink and not used.
   */
  protected async replace(
    wrap: (socket: net.Socket) => Promise<net.Socket>,
    rest: Uint8Array,
  ): Promise<void> {
    const socket = this.#socket;
    socket.pause();
    socket.off("data", this.#onData);
    socket.off("end", this.#onEnd);
    for (const bytes of [this.#chunk, rest]) {
      if (bytes && bytes.length > 0) socket.unshift(bytes);
    }
    this.#chunk = undefined;
    const wrapped = await wrap(socket);
    socket.off("close", this.#onEnd);
    this.#socket = wrapped;
    this.#follow(wrapped);
  }

  #follow(socket: net.Socket): void {
    socket.on("end", this.#onEnd);
    socket.on("close", this.#onEnd);
    socket.on("error", this.#onFault);
  }

  readonly #onData = (chunk: Uint8Array): void => {
    this.#chunk = chunk;
    this.#give();
  };

  readonly #onEnd = (): void => this.#finish(undefined);

  readonly #onFault = (error: Error): void => this.#finish(error);

  #finish(error: unknown): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#error = error;
    this.#onEnded?.();
  }

  #give(): void {
    const sink = this.#sink!;
    try {
      while (!this.#ended) {
        const wait = sink.next();
        if (wait) return this.#hold(wait);
        const chunk = this.#chunk;
        if (!chunk) return;
        const space = sink.space();
        const count = Math.min(chunk.length, space.length);
        space.set(count < chunk.length ? chunk.subarray(0, count) : chunk);
        this.#chunk = count < chunk.length ? chunk.subarray(count) : undefined;
        sink.filled(count);
      }
    } catch (error) {
      this.#finish(error);
    }
  }

  // Reads on when the sink wants it.
  #hold(wait: Promise<void>): void {
    if (!this.#paused) this.#socket.pause();
    this.#paused = true;
    wait.then(() => {
      this.#paused = false;
      this.#give();
      if (this.#paused) return;
      const socket = this.#socket;
      if (socket.listenerCount("data") === 0) socket.on("data", this.#onData);
      else socket.resume();
    }, (error) => this.#finish(error));
  }
}
