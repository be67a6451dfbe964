// NodeConn: a connection of node:net, or of node:tls once it is secured, as a Conn.

import type net from "node:net";
import type { ByteSink, Conn, ConnPiece } from "./conn.ts";
import { RelaySocket, type SocketPair } from "./relay_socket.ts";

const NOTHING: Uint8Array = new Uint8Array(0);
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
  // Bytes of the write under way.
  #writing = 0;
  // Where another process was offered it, and whether it has it.
  #relay: RelaySocket | undefined;
  #detached = false;

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
    this.#ended = socket.readableEnded;
    this.#follow(socket);
  }

  /** Gives what comes to the sink. */
  async run(sink: ByteSink): Promise<void> {
    this.#sink = sink;
    this.#give();
    if (!this.#paused) this.#readOn();
    if (!this.#ended) {
      await new Promise<void>((resolve) => this.#onEnded = resolve);
    }
    await sink.ended(this.#error);
  }

  /** Writes some of the bytes. */
  write(bytes: Uint8Array): Promise<number> {
    if (this.#detached) return Promise.reject(new Deno.errors.BadResource());
    const some = bytes.length > WRITE_BYTES
      ? bytes.subarray(0, WRITE_BYTES)
      : bytes;
    this.#writing = some.length;
    return new Promise((resolve, reject) =>
      this.#socket.write(some, (error) => {
        this.#writing = 0;
        // What is behind it is another process's to write.
        if (this.#detached) return;
        if (error) reject(error);
        else resolve(some.length);
      })
    );
  }

  /** Tells the other side that nothing more comes. */
  closeWrite(): Promise<void> {
    if (this.#detached) return Promise.reject(new Deno.errors.BadResource());
    return new Promise((resolve, reject) =>
      this.#socket.end((error?: Error | null) =>
        error ? reject(error) : resolve()
      )
    );
  }

  /** Closes it at once. */
  close(): void {
    if (this.#detached) return;
    this.#relay?.end();
    this.#socket.destroy();
  }

  /**
   * What another process needs to go on with it by way of this one.
   *
   * @param pair Makes the sockets between the two, where there are none yet.
   */
  protected giveBy(pair: () => SocketPair | undefined): ConnPiece | undefined {
    if (this.#socket.destroyed || this.#error !== undefined) return undefined;
    const { remoteAddr } = this;
    if (!this.#relay) {
      const ends = pair();
      if (!ends) return undefined;
      this.#relay = new RelaySocket(ends, remoteAddr, () => this.#detach());
    }
    return {
      socket: this.#relay,
      remoteAddr,
      unread: this.#chunk ?? NOTHING,
      writing: this.#writing,
    };
  }

  // What was read went along; nothing is done here any more.
  #detach(): Conn {
    this.#detached = true;
    const socket = this.#socket;
    socket.off("data", this.#onData);
    socket.off("end", this.#onEnd);
    socket.off("close", this.#onEnd);
    const conn = new NodeConn(socket);
    socket.off("error", this.#onFault);
    return conn;
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

  #readOn(): void {
    const socket = this.#socket;
    if (socket.listenerCount("data") === 0) socket.on("data", this.#onData);
    if (socket.isPaused()) socket.resume();
  }

  // Reads on when the sink wants it.
  #hold(wait: Promise<void>): void {
    if (!this.#paused) this.#socket.pause();
    this.#paused = true;
    wait.then(() => {
      if (this.#detached) return;
      this.#paused = false;
      this.#give();
      if (this.#paused) return;
      this.#readOn();
    }, (error) => this.#finish(error));
  }
}
