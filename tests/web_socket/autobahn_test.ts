// The cases of the Autobahn test suite against whole servers: what is echoed, and how a connection
// ends. What only the decoder decides is in tests/box/net/web_socket_decoder_test.ts.

import { assertEquals } from "@std/assert";
import { concat } from "@std/bytes/concat";
import { Box } from "@maple/box";
import { clientFrame, WebSocketStream } from "../helpers/web_socket_stream.ts";
import {
  type EchoServer,
  FRAME_MAX,
  SERVERS,
  startEcho,
} from "./echo_server.ts";

const TEXT = 1;
const BINARY = 2;
const CONTINUATION = 0;
const CLOSE = 8;
const PING = 9;
const PONG = 10;

/** What a client sends and what it must get. */
interface Case {
  /** Section and number, and what it is about. */
  readonly name: string;
  /** What is sent. */
  readonly sent: readonly Uint8Array[];
  /** Bytes written at a time. @default all */
  readonly chop?: number;
  /** The messages that must come; where it is closed, that may. */
  readonly echoed?: readonly Uint8Array[];
  /** The payloads of the pongs that must come. */
  readonly pongs?: readonly string[];
  /** The code with which it must be closed; without one it must stay open. */
  readonly closed?: number;
}

const utf8 = new TextEncoder();

/** A box of so many bytes. */
function box(length: number, sn = 0): Uint8Array {
  const body = new Uint8Array(length - Box.headerBytes);
  for (let i = 0; i < body.length; i++) body[i] = i * 7 + (i >> 8);
  return new Box({ cmd: 1, sn, body }).pack();
}

/** A message in fragments of so many bytes. */
function fragments(message: Uint8Array, size: number): Uint8Array[] {
  const frames: Uint8Array[] = [];
  for (let at = 0; at < message.length; at += size) {
    frames.push(
      clientFrame(
        at === 0 ? BINARY : CONTINUATION,
        message.subarray(at, at + size),
        at + size >= message.length,
      ),
    );
  }
  return frames;
}

function echo(name: string, message: Uint8Array, chop?: number): Case {
  return {
    name,
    sent: [clientFrame(BINARY, message)],
    echoed: [message],
    ...(chop === undefined ? {} : { chop }),
  };
}

const KIB = 1024;
const MIB = 1024 * 1024;
const SIZES = [24, 125, 126, 127, 128, 65_535, 65_536];
const hello = box(40);

const CASES: Case[] = [
  { name: "1.1 text", sent: [clientFrame(TEXT, hello)], closed: 1003 },
  ...SIZES.map((size) => echo(`1.2 ${size} bytes`, box(size))),
  echo("1.2.8 65536 bytes in chops of 997", box(65_536), 997),
  {
    name: "1.2 an empty message between two",
    sent: [
      clientFrame(BINARY, hello),
      clientFrame(BINARY),
      clientFrame(BINARY, hello),
    ],
    echoed: [hello, hello],
  },
  {
    name: "2.6 a ping of 125 bytes in chops of 1",
    sent: [clientFrame(PING, new Uint8Array(125).fill(97))],
    pongs: ["a".repeat(125)],
    chop: 1,
  },
  {
    name: "2.10 ten pings",
    sent: Array.from(
      { length: 10 },
      (_, i) => clientFrame(PING, utf8.encode(`payload-${i}`)),
    ),
    pongs: Array.from({ length: 10 }, (_, i) => `payload-${i}`),
  },
  {
    name: "3.4 a good message, RSV3, a ping",
    sent: [
      clientFrame(BINARY, hello),
      withFirst(clientFrame(BINARY, hello), 0x92),
      clientFrame(PING),
    ],
    echoed: [hello],
    closed: 1002,
  },
  {
    name: "4.1.3 a good message, opcode 5, a ping",
    sent: [clientFrame(BINARY, hello), clientFrame(5), clientFrame(PING)],
    echoed: [hello],
    closed: 1002,
  },
  ...[undefined, 1, 7].flatMap((chop): Case[] => [
    {
      name: `5.3 two fragments, chop ${chop}`,
      sent: fragments(hello, 20),
      echoed: [hello],
      ...(chop ? { chop } : {}),
    },
    {
      name: `5.6 a ping between two fragments, chop ${chop}`,
      sent: [
        clientFrame(BINARY, hello.subarray(0, 30), false),
        clientFrame(PING, utf8.encode("ping payload")),
        clientFrame(CONTINUATION, hello.subarray(30)),
      ],
      echoed: [hello],
      pongs: ["ping payload"],
      ...(chop ? { chop } : {}),
    },
    {
      name: `5.19 fragments and pings, of two messages, chop ${chop}`,
      sent: [
        clientFrame(BINARY, hello.subarray(0, 10), false),
        clientFrame(CONTINUATION, hello.subarray(10, 20), false),
        clientFrame(PING, utf8.encode("pongme 1!")),
        clientFrame(CONTINUATION, hello.subarray(20, 30), false),
        clientFrame(PING, utf8.encode("pongme 2!")),
        clientFrame(CONTINUATION, hello.subarray(30)),
        clientFrame(BINARY, hello),
      ],
      echoed: [hello, hello],
      pongs: ["pongme 1!", "pongme 2!"],
      ...(chop ? { chop } : {}),
    },
  ]),
  {
    name: "5.1 a ping in two fragments",
    sent: [clientFrame(PING, hello, false), clientFrame(CONTINUATION)],
    closed: 1002,
  },
  {
    name: "5.9 a continuation of nothing, then a good message",
    sent: [clientFrame(CONTINUATION, hello), clientFrame(BINARY, hello)],
    closed: 1002,
  },
  {
    name: "5.15 a message in two, then a continuation of nothing",
    sent: [...fragments(hello, 20), clientFrame(CONTINUATION, hello, false)],
    echoed: [hello],
    closed: 1002,
  },
  {
    name: "5.18 a message begins in another",
    sent: [
      clientFrame(BINARY, hello.subarray(0, 8), false),
      clientFrame(BINARY, hello),
    ],
    closed: 1002,
  },
  {
    name: "7.1.1 a message after the close frame is not answered",
    sent: [
      clientFrame(BINARY, hello),
      clientFrame(CLOSE, Uint8Array.of(0x03, 0xe8)),
      clientFrame(BINARY, hello),
    ],
    echoed: [hello],
    closed: 1000,
  },
  {
    name: "7.1.5 a close frame in a message",
    sent: [
      clientFrame(BINARY, hello.subarray(0, 8), false),
      clientFrame(CLOSE, Uint8Array.of(0x03, 0xe8)),
    ],
    closed: 1000,
  },
  {
    name: "7.3.1 a close without a code",
    sent: [clientFrame(CLOSE)],
    closed: 1005,
  },
  {
    name: "7.9 a close with the code 999",
    sent: [clientFrame(CLOSE, Uint8Array.of(0x03, 0xe7))],
    closed: 1002,
  },
  ...[64 * KIB, 256 * KIB, MIB, 4 * MIB, FRAME_MAX].map((size) =>
    echo(`9.2 ${size} bytes`, box(size))
  ),
  ...[64, 256, KIB, 64 * KIB, MIB].map((size): Case => ({
    name: `9.4 ${
      size < KIB ? 256 * KIB : 4 * MIB
    } bytes in fragments of ${size}`,
    sent: fragments(box(size < KIB ? 256 * KIB : 4 * MIB), size),
    echoed: [box(size < KIB ? 256 * KIB : 4 * MIB)],
  })),
  ...[64, 512, 2 * KIB].map((chop) =>
    echo(`9.6 256 KiB in chops of ${chop}`, box(256 * KIB), chop)
  ),
  ...[24, 64, 256, KIB].map((size): Case => ({
    name: `9.8 1000 messages of ${size} bytes`,
    sent: Array.from(
      { length: 1000 },
      (_, sn) => clientFrame(BINARY, box(size, sn)),
    ),
    echoed: Array.from({ length: 1000 }, (_, sn) => box(size, sn)),
  })),
  {
    name: "9 a box beyond frameBytes",
    // Its header alone says it.
    sent: [
      clientFrame(BINARY, hello),
      clientFrame(BINARY, announcing(FRAME_MAX + 1)),
    ],
    echoed: [hello],
    closed: 1009,
  },
  {
    name: "10.1.1 64 KiB in fragments of 1300",
    sent: fragments(box(64 * KIB), 1300),
    echoed: [box(64 * KIB)],
  },
];

function withFirst(bytes: Uint8Array, first: number): Uint8Array {
  bytes[0] = first;
  return bytes;
}

function announcing(length: number): Uint8Array {
  const header = new Box().pack();
  new DataView(header.buffer).setInt32(8, length);
  return header;
}

async function send(
  stream: WebSocketStream,
  { sent, chop }: Case,
): Promise<void> {
  const all = concat(sent);
  for (let at = 0; at < all.length; at += chop ?? all.length) {
    await stream.writeRaw(all.subarray(at, at + (chop ?? all.length)));
  }
}

async function run(server: EchoServer, one: Case): Promise<void> {
  using stream = await WebSocketStream.open(server.addr);
  // A server that closes need not read the rest.
  const sending = send(stream, one).catch(() => {});
  const echoed: Uint8Array[] = [];
  const pongs: string[] = [];
  let closed: number | undefined;
  const { echoed: messages = [], pongs: wanted = [] } = one;
  while (
    one.closed !== undefined || echoed.length < messages.length ||
    pongs.length < wanted.length
  ) {
    const frame = await stream.nextFrame();
    if (!frame) break;
    const { opcode, payload } = frame;
    if (opcode === BINARY) echoed.push(payload);
    else if (opcode === PONG) pongs.push(new TextDecoder().decode(payload));
    else if (opcode === CLOSE) {
      closed = payload.length < 2 ? 1005 : payload[0]! * 256 + payload[1]!;
    }
  }
  await sending;
  assertEquals(closed, one.closed, one.name);
  assertEquals(pongs, [...wanted], one.name);
  // Whoever is closed need not get the answers that are still on their way.
  if (one.closed === undefined) assertEquals(echoed.length, messages.length);
  for (const [i, message] of echoed.entries()) {
    assertEquals(message.length, messages[i]?.length, one.name);
    // For millions of bytes assertEquals takes long.
    assertEquals(message.every((byte, at) => byte === messages[i]![at]), true);
  }
  if (one.closed !== undefined) return;
  // It is as good as new.
  await stream.write(hello);
  const answer = await stream.nextFrame();
  assertEquals([answer?.opcode, answer?.payload], [BINARY, hello], one.name);
}

for (const name of SERVERS) {
  Deno.test(`WebSockets of a ${name} do what the Autobahn test suite asks`, async (t) => {
    await using server = await startEcho(name);
    for (const one of CASES) await t.step(one.name, () => run(server, one));
    await server.clients(0);
  });
}
