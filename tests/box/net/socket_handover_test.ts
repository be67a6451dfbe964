// A connection that goes from one loop to another and back, as from process to process: no byte is
// read or written by both, or by none.

import { assertEquals } from "@std/assert";
import {
  type EpollListener,
  EpollLoop,
  EpollSocket,
  FrameSocket,
  Libc,
  listenEpoll,
  Passing,
  type SocketPiece,
  transportFrom,
  WebSocketConn,
  WebSocketTransport,
} from "@maple/box/internal";
import { clientFrame, handshake } from "../../helpers/web_socket_stream.ts";
import { Random } from "../../helpers/random.ts";
import { bounded, turns } from "../support.ts";

const ignore = Deno.build.os !== "linux";

// Frames of 5 to 204 bytes: their length, then bytes that count on from frame to frame.
const FRAMING = {
  name: "Counted",
  frameLength(bytes: Uint8Array, start: number, end: number) {
    return end > start ? bytes[start]! : 0;
  },
};
const FRAMES = 3000;
const HANDOVERS = 60;

function frames(random: Random): Uint8Array[] {
  let next = 0;
  return Array.from({ length: FRAMES }, () => {
    const frame = new Uint8Array(random.between(5, 204));
    frame[0] = frame.length;
    for (let i = 1; i < frame.length; i++) frame[i] = next++ & 0xff;
    return frame;
  });
}

function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(parts.reduce((sum, one) => sum + one.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** Two loops, each with what a process has for itself. */
class Pair implements AsyncDisposable {
  readonly libc = Libc.open();
  readonly passing = Passing.open();
  readonly loops = [new EpollLoop(this.libc), new EpollLoop(this.libc)];
  #at = 0;

  get loop(): EpollLoop {
    return this.loops[this.#at]!;
  }

  listen(): EpollListener {
    const at = { what: "test", hostname: "127.0.0.1", port: 0 };
    return listenEpoll({ loop: this.loop, libc: this.libc }, at);
  }

  /** What the other process gets; this one has nothing of it any more. */
  pass(piece: SocketPiece): SocketPiece {
    this.#at = 1 - this.#at;
    const { socket, hostname, port } = piece;
    const descriptor = this.passing.copyOf(socket.descriptor);
    socket.release();
    const addr = { transport: "tcp", hostname, port } as const;
    const taken = new EpollSocket(this.loop, descriptor, addr);
    // As it comes out of a file.
    return { ...structuredClone({ ...piece, socket: null }), socket: taken };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const loop of this.loops) await loop.close();
    this.passing[Symbol.dispose]();
    this.libc[Symbol.dispose]();
  }
}

for (const ws of [false, true]) {
  Deno.test({
    name: `a ${
      ws ? "WebSocket" : "connection"
    } that is handed over again and again loses no byte, repeats none and mixes up none`,
    ignore,
    async fn() {
      await using pair = new Pair();
      const random = new Random(ws ? 7 : 8);
      const listener = pair.listen();
      const accepting = listener.accept();
      using client = await Deno.connect({
        hostname: "127.0.0.1",
        port: listener.addr.port,
      });
      const conn = await bounded(accepting);
      const sent = frames(random);
      const options = { framing: FRAMING, ownFrames: true };
      const got: Uint8Array[] = [];
      const answers: Uint8Array[] = [];
      let socket: FrameSocket;
      const handler = {
        onFrame(frame: Uint8Array) {
          got.push(frame);
          // The same bytes come back, also where the client does not read for a while.
          answers.push(frame.slice());
          socket.send(frame);
        },
        onClose() {},
      };
      const writer = client.writable.getWriter();
      const reading = readAnswers(client.readable, ws);
      if (ws) {
        await writer.write(new TextEncoder().encode(handshake()));
        const opened = await bounded(WebSocketConn.open(conn, {
          paths: undefined,
          origins: undefined,
        } as never, () => {}));
        socket = new WebSocketTransport(opened!, options);
      } else socket = new FrameSocket(conn, options);
      socket.run(handler);
      const writing = write(writer, ws ? masked(sent) : joined(sent), random);
      for (let i = 0; i < HANDOVERS; i++) {
        if (i % 3 === 0) socket.pause();
        await turns(random.between(1, 3));
        const piece = pair.pass(socket.give()!);
        socket = transportFrom(piece, options);
        socket.run(handler);
        socket.resume();
      }
      await bounded(writing);
      while (got.length < FRAMES) await turns(1);
      assertEquals(joined(got), joined(sent));
      await bounded(socket.drained());
      socket.destroy();
      listener.close();
      assertEquals(joined(await bounded(reading)), joined(answers));
    },
  });
}

// In messages that hold several frames, or parts of one, and some of which are cut in two.
function masked(sent: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const random = new Random(3);
  const bytes = joined(sent);
  const parts: Uint8Array[] = [];
  for (let at = 0; at < bytes.length;) {
    const end = at + random.between(1, 400);
    const middle = at + Math.floor((end - at) / 2);
    parts.push(clientFrame(2, bytes.subarray(at, middle), false));
    if (random.between(0, 3) === 0) {
      parts.push(clientFrame(9, new Uint8Array([1, 2, 3])));
    }
    parts.push(clientFrame(0, bytes.subarray(middle, end)));
    at = end;
  }
  return joined(parts);
}

async function write(
  writer: WritableStreamDefaultWriter<Uint8Array<ArrayBuffer>>,
  bytes: Uint8Array<ArrayBuffer>,
  random: Random,
): Promise<void> {
  for (let at = 0; at < bytes.length;) {
    const end = at + random.between(1, 9000);
    await writer.write(bytes.slice(at, end));
    at = end;
    await turns(1);
  }
}

// The payloads of what comes; of a WebSocket without its answer to the handshake and its pongs.
async function readAnswers(
  stream: ReadableStream<Uint8Array>,
  ws: boolean,
): Promise<Uint8Array[]> {
  const parts: Uint8Array[] = [];
  try {
    for await (const part of stream) parts.push(part);
  } catch {
    // It is cut.
  }
  if (!ws) return parts;
  const all = joined(parts);
  const payloads: Uint8Array[] = [];
  const head = new TextDecoder("latin1").decode(all).indexOf("\r\n\r\n") + 4;
  for (let at = head; at < all.length;) {
    const short = all[at + 1]! & 127;
    const size = short === 126 ? 4 : 2;
    const length = short === 126 ? all[at + 2]! * 256 + all[at + 3]! : short;
    const payload = all.subarray(at + size, at + size + length);
    if ((all[at]! & 15) === 2) payloads.push(payload);
    at += size + length;
  }
  return payloads;
}
