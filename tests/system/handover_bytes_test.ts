// That never two gateways read a client's connection, and never two write to it: each byte of what
// clients send and get has a number of its own, while their gateway is replaced again and again.

import { assertEquals, assertStringIncludes } from "@std/assert";
import { Box, FrameReader } from "@maple/box";
import { EchoWorker } from "../helpers/echo_worker.ts";
import { eventually } from "../helpers/eventually.ts";
import { handoverTest as test } from "../helpers/handover_test_case.ts";
import type { RunningProcess } from "../helpers/process.ts";
import { Random } from "../helpers/random.ts";
import { startGateway } from "./faulty_gateway.ts";

const CLIENTS = 30;
// Of these some always have something under way, the others now and then only: those go along
// early.
const BUSY = 15;
const HANDOVERS = 4;
const SEED = 7;
const BODY_MAX = 3000;
const UNDER_WAY_MAX = 20;
const REST_MAX_MS = 50;

/** A client whose bytes are numbered, those that it sends and those that come back. */
class CountingClient {
  sent = 0;
  answered = 0;
  readonly #conn: Deno.TcpConn;
  readonly #random: Random;
  readonly #bodies: number[] = [];
  readonly #reading: Promise<void>;
  readonly #sending: Promise<void>;
  #sentBytes = 0;
  #gotBytes = 0;
  #ending = false;

  constructor(conn: Deno.TcpConn, random: Random, isBusy: boolean) {
    this.#conn = conn;
    this.#random = random;
    this.#reading = this.#read().finally(() => this.#ending = true);
    this.#sending = this.#send(isBusy);
  }

  /** Sends what it has begun, and has got all answers; throws what was wrong with any byte. */
  async end(): Promise<void> {
    this.#ending = true;
    await this.#sending;
    await this.#conn.closeWrite();
    await this.#reading;
    assertEquals(this.answered, this.sent);
    assertEquals(this.#gotBytes, this.#sentBytes);
  }

  async #send(isBusy: boolean): Promise<void> {
    while (!this.#ending) {
      const body = numbered(this.#sentBytes, this.#random.between(0, BODY_MAX));
      const frame = new Box({ cmd: 1, sn: this.sent, body }).pack();
      this.#sentBytes += body.length;
      this.#bodies.push(body.length);
      this.sent++;
      // In pieces, so that gateways are replaced in the middle of a frame.
      for (let at = 0; at < frame.length;) {
        const end = Math.min(
          frame.length,
          at + this.#random.between(1, BODY_MAX),
        );
        at += await this.#conn.write(frame.subarray(at, end));
        if (isBusy) await pause(1);
      }
      if (!isBusy) await pause(this.#random.between(0, REST_MAX_MS));
      while (!this.#ending && this.sent - this.answered > UNDER_WAY_MAX) {
        await pause(1);
      }
    }
  }

  async #read(): Promise<void> {
    const reader = new FrameReader(Box);
    for (;;) {
      const count = await this.#conn.read(reader.space());
      if (count === null) return;
      reader.commit(count, count);
      for (let frame; (frame = reader.next());) {
        this.#take(Box.fromFrame(frame));
      }
    }
  }

  #take({ sn, body }: { sn: number; body: Uint8Array }): void {
    const expected = numbered(this.#gotBytes, this.#bodies[this.answered]!);
    assertEquals(sn, this.answered++);
    assertEquals(body, expected);
    this.#gotBytes += body.length;
  }
}

// Each four bytes tell where in the stream they are.
function numbered(from: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i++) {
    const at = from + i;
    bytes[i] = Math.floor(at / 4) >>> 8 * (at % 4);
  }
  return bytes;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

test("each byte of clients goes through one gateway alone, whichever of them has its place", async (handover) => {
  await using stack = new AsyncDisposableStack();
  let current: RunningProcess = stack.use(await startGateway({ handover }));
  const [, outer, inner] = current.ready!;
  const hostname = "127.0.0.1";
  stack.use(await EchoWorker.attach({ hostname, port: Number(inner) }));
  const random = new Random(SEED);
  const clients: CountingClient[] = [];
  for (let i = 0; i < CLIENTS; i++) {
    const conn = await Deno.connect({ hostname, port: Number(outer) });
    stack.defer(() => conn.close());
    clients.push(new CountingClient(conn, random.fork(), i < BUSY));
  }
  for (let generation = 2; generation <= HANDOVERS + 1; generation++) {
    const before = clients.map(({ answered }) => answered);
    await eventually(() =>
      clients.every(({ answered }, i) => answered > before[i]!)
    );
    const next = stack.use(await startGateway({ handover }));
    assertStringIncludes(next.ready![0], `generation=${generation}`);
    assertEquals((await current.finished()).code, 0, current.stderr);
    current = next;
  }
  for (const client of clients) await client.end();
});
