// A connection that goes on in another process by way of this one: when it ends here.

import { assertEquals } from "@std/assert";
import {
  type ByteSink,
  type Conn,
  EpollSocket,
  openIo,
  Passing,
  RelaySocket,
} from "@maple/box/internal";
import { bounded } from "../support.ts";

const ignore = Deno.build.os !== "linux";
const ADDR = { transport: "tcp", hostname: "127.0.0.1", port: 1 } as const;
const REST_MS = 20;

/** A client that reads nothing, or all, and never leaves by itself. */
class StayingConn implements Conn {
  readonly remoteAddr = ADDR;
  readonly closed = Promise.withResolvers<void>();
  readonly #reads: boolean;

  constructor(reads: boolean) {
    this.#reads = reads;
  }

  run(sink: ByteSink): Promise<void> {
    return this.closed.promise.then(() => sink.ended());
  }

  write(bytes: Uint8Array): number | Promise<number> {
    return this.#reads ? bytes.length : new Promise(() => {});
  }

  closeWrite(): Promise<void> {
    return Promise.resolve();
  }

  close(): void {
    this.closed.resolve();
  }
}

for (const reads of [true, false]) {
  Deno.test({
    name: `a client that ${
      reads ? "reads all" : "reads nothing"
    } and does not leave is not kept when the other process has closed it`,
    ignore,
    async fn() {
      const io = openIo("epoll");
      const { loop, pair } = io.descriptors!;
      using passing = Passing.open();
      const conn = new StayingConn(reads);
      const ends = pair()!;
      const given = passing.copyOf(ends.near);
      const relay = new RelaySocket(ends, ADDR, () => conn);
      relay.restMs = REST_MS;
      relay.release();
      const other = new EpollSocket(loop, given, ADDR);
      other.write(new Uint8Array(1000));
      // It has said its last word, and waits for the client's.
      await other.closeWrite();
      await new Promise((resolve) => setTimeout(resolve, 3 * REST_MS));
      assertEquals(relay.isOver, false);
      other.close();
      await bounded(relay.done);
      await bounded(conn.closed.promise);
      await io.close();
    },
  });
}
