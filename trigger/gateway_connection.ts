// GatewayConnection: one connection to a gateway, watched so that its end is known before more is
// written to it.

import type { TriggerGateway } from "./options.ts";

// A gateway that is full accepts a connection and closes it at once; that must not be taken for the
// end that it gives when it has read everything.
const REFUSAL_MS = 50;

/** One connection to a gateway. */
export class GatewayConnection {
  /**
   * Resolves when it has ended: true when this side had finished and the gateway has then read
   * everything. Never rejects.
   */
  readonly ended: Promise<boolean>;
  readonly #conn: Deno.TcpConn;
  readonly #since = performance.now();
  #open = true;
  #finished = false;

  /** @param conn The connection, which belongs to this object from now on. */
  constructor(conn: Deno.TcpConn) {
    this.#conn = conn;
    conn.setNoDelay(true);
    conn.setKeepAlive(true);
    this.ended = this.#watch();
  }

  /**
   * Connects.
   *
   * @param signal Ends the attempt.
   * @throws {Error} when the gateway cannot be reached.
   */
  static async to(
    { host, port }: TriggerGateway,
    signal: AbortSignal,
  ): Promise<GatewayConnection> {
    return new GatewayConnection(
      await Deno.connect({ hostname: host, port, signal }),
    );
  }

  /** Whether it can be written to. */
  get open(): boolean {
    return this.#open;
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
        at += await this.#conn.write(frame.subarray(at));
      }
    } catch (error) {
      this.cut();
      throw error;
    }
  }

  /**
   * Ends this side. The gateway reads to the end and then ends its own, which is the only word it
   * ever gives that it has taken all. An end that it gives first is no such word, so a young
   * connection is left open a little longer, to see it.
   */
  async finish(): Promise<void> {
    const age = performance.now() - this.#since;
    const wait = Math.max(0, REFUSAL_MS - age);
    await new Promise((resolve) => setTimeout(resolve, wait));
    if (!this.#open) return;
    this.#finished = true;
    this.#conn.closeWrite().catch(() => this.cut());
  }

  /** Ends it at once. */
  cut(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#conn.close();
  }

  async #watch(): Promise<boolean> {
    const ignored = new Uint8Array(512);
    let taken = false;
    try {
      while (await this.#conn.read(ignored) !== null);
      taken = this.#finished;
    } catch {
      // Broken or cut: nobody knows what the gateway has read.
    }
    this.cut();
    return taken;
  }
}
