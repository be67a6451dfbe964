// RawPeer: one connection that sends any bytes and reads whole frames, one at a time and only
// when asked to.

import { FrameReader, type Framing } from "@maple/box";
import { PATIENCE_MS, within } from "./within.ts";

/** Where something listens. */
export interface Address {
  /** The host. */
  readonly hostname: string;
  /** The port. */
  readonly port: number;
}

/** What carries the bytes: a TCP connection, or something like one. */
export type PeerConn = Pick<
  Deno.TcpConn,
  | "localAddr"
  | "read"
  | "write"
  | "closeWrite"
  | "close"
  | typeof Symbol.dispose
>;

/**
 * One connection that sends any bytes and reads whole frames. While nobody calls `nextFrame`,
 * nothing is read.
 */
export class RawPeer implements AsyncDisposable {
  readonly #conn: PeerConn;
  readonly #reader: FrameReader;
  #read: Promise<number | null> | undefined;
  #closed = false;

  /** @param conn The connection, which belongs to this peer from now on. */
  constructor(conn: PeerConn, framing: Framing) {
    if ("setNoDelay" in conn) (conn as Deno.TcpConn).setNoDelay(true);
    this.#conn = conn;
    this.#reader = new FrameReader(framing);
  }

  /** Connects. */
  static async connect(
    framing: Framing,
    { hostname, port }: Address,
  ): Promise<RawPeer> {
    return new RawPeer(await Deno.connect({ hostname, port }), framing);
  }

  /** This side's address, as the other side's log shows it. */
  get localAddress(): string {
    const { hostname, port } = this.#conn.localAddr;
    return `${hostname}:${port}`;
  }

  /** Sends all of the bytes. */
  async sendBytes(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length;) {
      at += await this.#conn.write(bytes.subarray(at));
    }
  }

  /** Says that nothing more is sent; it can still be read. */
  async endWriting(): Promise<void> {
    await this.#conn.closeWrite();
  }

  /**
   * The next whole frame in bytes of its own; null when the other side has closed, in order or not.
   *
   * @throws {Error} when none comes in time; a later call goes on.
   */
  async nextFrame(timeoutMs: number = PATIENCE_MS): Promise<Uint8Array | null> {
    for (;;) {
      const frame = this.#reader.take();
      if (frame) return frame;
      if (this.#closed) return null;
      this.#read ??= this.#conn.read(this.#reader.space()).catch(() => null);
      const count = await within(this.#read, "the next frame", timeoutMs);
      this.#read = undefined;
      if (count === null) return null;
      this.#reader.commit(count);
    }
  }

  /** Reads on until the other side closes, and answers how many frames came. */
  async closedByPeer(): Promise<number> {
    let frames = 0;
    while (await this.nextFrame()) frames++;
    return frames;
  }

  /** Closes the connection at once. May be called twice. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#conn.close();
  }

  /** Closes the connection and waits for a read that is under way. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
    await this.#read;
  }
}
