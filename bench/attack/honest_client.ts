// HonestClient: a client at an address of this machine that is not the attackers'.

import { connect, type Socket } from "node:net";
import { Box, FrameReader } from "@maple/box";

// Attackers have 127.0.0.1.
const OWN_ADDRESS = "127.0.0.2";

/** A client that sends one request at a time. */
export class HonestClient {
  readonly #socket: Socket;
  readonly #reader = new FrameReader(Box);
  #settle: ((answer: Box | undefined) => void) | undefined;
  #closed = false;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on("data", (chunk: Uint8Array) => this.#take(chunk));
    socket.on("close", () => this.#end());
  }

  /**
   * Connects.
   *
   * @throws {Error} when it cannot.
   */
  static connect(port: number): Promise<HonestClient> {
    return new Promise((resolve, reject) => {
      const socket = connect({
        host: "127.0.0.1",
        port,
        localAddress: OWN_ADDRESS,
      });
      socket.on("error", reject);
      socket.once("connect", () => resolve(new HonestClient(socket)));
    });
  }

  /** The answer to a request; undefined when there is none in time. */
  request(cmd: number, { seconds }: { seconds: number }): Promise<
    Box | undefined
  > {
    if (this.#closed) return Promise.resolve(undefined);
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#settle?.(undefined), seconds * 1000);
      this.#settle = (answer) => {
        this.#settle = undefined;
        clearTimeout(timer);
        resolve(answer);
      };
      this.#socket.write(new Box({ cmd, sn: 1, body: "hi" }).pack());
    });
  }

  /** Closes the connection. */
  close(): void {
    this.#socket.destroy();
  }

  #take(chunk: Uint8Array): void {
    for (let at = 0; at < chunk.length;) {
      const space = this.#reader.space();
      const count = Math.min(space.length, chunk.length - at);
      space.set(chunk.subarray(at, at + count));
      this.#reader.commit(count);
      at += count;
      for (let frame; (frame = this.#reader.take());) {
        this.#settle?.(Box.fromFrame(frame) as Box);
      }
    }
  }

  #end(): void {
    this.#closed = true;
    this.#settle?.(undefined);
  }
}
