// HupLoad: TCP clients and WebSockets that send numbered requests to a `hup_haven.ts`, several at a
// time, and check that each is answered once and in its order, on one connection.

import { assertEquals } from "@std/assert";
import { Box } from "@maple/box";
import { RawPeer } from "../helpers/raw_peer.ts";
import type { HavenProcess } from "./haven_process.ts";

const DEPTH = 8;

/** One connection. */
interface Asker {
  /** Sends a box. */
  send(bytes: Uint8Array): Promise<void> | void;
  /** The next one; null when it is disconnected. */
  next(): Promise<Uint8Array | null>;
  close(): Promise<void> | void;
}

/** Clients that ask without pause until they are stopped. */
export class HupLoad implements AsyncDisposable {
  /** Requests that were answered. */
  answered = 0;
  /** The version of the code that has answered last. */
  latest = "";
  readonly #askers: Asker[] = [];
  readonly #running: Promise<void>[] = [];
  #stopping = false;

  /** Adds a client over TCP. */
  async addTcp({ port }: HavenProcess): Promise<void> {
    const conn = await Deno.connect({ hostname: "127.0.0.1", port });
    const peer = new RawPeer(conn, Box);
    this.#add({
      send: (bytes) => peer.sendBytes(bytes as Uint8Array<ArrayBuffer>),
      next: () => peer.nextFrame(),
      close: () => peer[Symbol.asyncDispose](),
    });
  }

  /** Adds a WebSocket. */
  async addWebSocket({ websocketPort }: HavenProcess): Promise<void> {
    const socket = new WebSocket(`ws://127.0.0.1:${websocketPort}`);
    socket.binaryType = "arraybuffer";
    const come: (Uint8Array | null)[] = [];
    let wake = () => {};
    const push = (one: Uint8Array | null) => {
      come.push(one);
      wake();
    };
    const closed = Promise.withResolvers<void>();
    socket.onmessage = ({ data }) => push(new Uint8Array(data));
    socket.onclose = () => {
      push(null);
      closed.resolve();
    };
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    socket.onopen = () => resolve();
    socket.onerror = () => reject(new Error("the WebSocket is broken"));
    await promise;
    this.#add({
      send: (bytes) => socket.send(bytes as Uint8Array<ArrayBuffer>),
      async next() {
        while (come.length === 0) {
          await new Promise<void>((resolve) => wake = resolve);
        }
        return come.shift()!;
      },
      close() {
        socket.close();
        return closed.promise;
      },
    });
  }

  /**
   * Waits for the last answers.
   *
   * @throws {Error} when an answer was lost, repeated or out of order, or a client was cut.
   */
  async stop(): Promise<void> {
    this.#stopping = true;
    await Promise.all(this.#running);
  }

  /** Disconnects them. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping = true;
    await Promise.allSettled(this.#running);
    for (const asker of this.#askers) await asker.close();
  }

  #add(asker: Asker): void {
    this.#askers.push(asker);
    const running = this.#ask(asker);
    running.catch(() => {});
    this.#running.push(running);
  }

  async #ask(asker: Asker): Promise<void> {
    let sent = 0;
    let answered = 0;
    const sendOne = () => {
      sent++;
      // Each third takes a while.
      const cmd = sent % 3 === 0 ? 2 : 1;
      return asker.send(
        new Box({ cmd, sn: sent, body: "x".repeat(sent % 300) }).pack(),
      );
    };
    while (sent < DEPTH) await sendOne();
    while (answered < sent) {
      const frame = await asker.next();
      if (!frame) throw new Error(`cut after ${answered} of ${sent} requests`);
      const box = Box.fromFrame(frame);
      const [version, n] = box.text().split(" ");
      answered++;
      // The server has counted each once.
      assertEquals([box.sn, Number(n), box.ret], [answered, answered, 0]);
      this.answered++;
      this.latest = version!;
      if (!this.#stopping) await sendOne();
    }
  }
}
