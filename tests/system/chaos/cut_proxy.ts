// CutProxy: a TCP proxy that treats connections as a bad network does.

import { acceptAll, Gate, listenTcp, SILENT } from "@maple/box/internal";
import type { Address } from "../../helpers/raw_peer.ts";

/** A TCP proxy on a free port of 127.0.0.1. */
export class CutProxy implements AsyncDisposable {
  readonly #target: Address;
  readonly #listener: Deno.TcpListener;
  readonly #accepting: Promise<void>;
  readonly #routes = new Set<Route>();
  #isHeld = false;

  /** @param target Where the connections go. */
  constructor(target: Address) {
    this.#target = target;
    this.#listener = listenTcp("the proxy", "127.0.0.1", 0);
    this.#accepting = acceptAll(
      this.#listener,
      SILENT,
      (conn) => this.#accept(conn),
    );
  }

  /** Where it listens. */
  get port(): number {
    return (this.#listener.addr as Deno.NetAddr).port;
  }

  /** The connections through it, the oldest first. */
  get routes(): Route[] {
    return [...this.#routes];
  }

  /** Forwards nothing any more on any connection, also on those that come, and says nothing. */
  hold(): void {
    this.#isHeld = true;
    for (const route of this.#routes) route.hold();
  }

  /** Goes on forwarding, from where each was held. */
  release(): void {
    this.#isHeld = false;
    for (const route of this.#routes) route.release();
  }

  /** Closes all connections and waits for their ends. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    await this.#accepting;
    const routes = this.routes;
    for (const route of routes) route.cut();
    await Promise.all(routes.map((route) => route.ended));
  }

  async #accept(near: Deno.TcpConn): Promise<void> {
    let far: Deno.TcpConn;
    try {
      far = await Deno.connect(this.#target);
    } catch {
      near.close();
      return;
    }
    const route = new Route(near, far);
    if (this.#isHeld) route.hold();
    this.#routes.add(route);
    route.ended.then(() => this.#routes.delete(route));
  }
}

/** One connection through a {@linkcode CutProxy}. */
export class Route {
  /** Resolves when both its connections are closed. */
  readonly ended: Promise<void>;
  readonly #ends: readonly Deno.TcpConn[];
  readonly #gate = new Gate();
  #cutAfter: number | undefined;
  #closed = false;

  /** @param near Who has connected. @param far Where it is connected to. */
  constructor(near: Deno.TcpConn, far: Deno.TcpConn) {
    this.#ends = [near, far];
    near.setNoDelay(true);
    far.setNoDelay(true);
    this.ended = Promise.all([this.#pump(near, far), this.#pump(far, near)])
      .then(() => this.cut());
  }

  /** Forwards nothing any more and says nothing about it. */
  hold(): void {
    this.#gate.shut();
  }

  /** Goes on forwarding, from where it was held. */
  release(): void {
    this.#gate.open();
  }

  /**
   * Closes both connections. Where one of them has bytes that were not read, as after {@linkcode
   * Route.hold}, the system resets it.
   */
  cut(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#gate.open();
    for (const conn of this.#ends) conn.close();
  }

  /**
   * Closes both connections in the middle of what is forwarded next.
   *
   * @param share How much of that still goes through, from 0 to 1.
   */
  cutWithin(share: number): void {
    this.#cutAfter = share;
  }

  async #pump(from: Deno.TcpConn, to: Deno.TcpConn): Promise<void> {
    const buffer = new Uint8Array(16 * 1024);
    try {
      for (;;) {
        const count = await from.read(buffer);
        await this.#gate.opened();
        if (count === null) return await to.closeWrite();
        const share = this.#cutAfter;
        const end = share === undefined ? count : Math.floor(count * share);
        for (let at = 0; at < end;) {
          at += await to.write(buffer.subarray(at, end));
        }
        if (share !== undefined) this.cut();
      }
    } catch {
      // Broken, or cut here: the other direction ends as well.
      this.cut();
    }
  }
}
