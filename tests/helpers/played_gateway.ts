// PlayedGateway: a gateway that a test plays: it accepts, and the test does the rest.

import { Task } from "@maple/box";
import { RawWorker } from "./raw_worker.ts";
import { within } from "./within.ts";

/** A listener whose connections of workers and triggers the test serves itself. */
export class PlayedGateway implements Disposable {
  /** Where workers and triggers connect. */
  readonly port: number;
  readonly #listener: Deno.TcpListener;

  /** Listens. */
  constructor(port = 0) {
    this.#listener = Deno.listen({ hostname: "127.0.0.1", port });
    this.port = this.#listener.addr.port;
  }

  /** The next connection, as it is. */
  acceptConn(): Promise<Deno.TcpConn> {
    return within(this.#listener.accept(), "the next connection");
  }

  /** The next connection; it is greeted unless an original gateway is played. */
  async accept({ greets = true } = {}): Promise<RawWorker> {
    const peer = new RawWorker(await this.acceptConn(), Task);
    if (greets) await peer.greet();
    return peer;
  }

  /** Accepts no more. */
  [Symbol.dispose](): void {
    this.#listener.close();
  }
}
