import { assertEquals } from "@std/assert";
import { WebSocketDecoder } from "../../../box/net/web_socket_decoder.ts";
import {
  webSocketHeaderBytes,
  writeWebSocketHeader,
} from "../../../box/net/web_socket_frame.ts";
import { hex, joined, toHex, utf8 } from "../support.ts";

const MASK = [0x37, 0xfa, 0x21, 0x3d];

interface FrameOptions {
  fin?: boolean;
  masked?: boolean;
  /** How the length is written: bytes behind the second one. */
  lengthBytes?: 0 | 2 | 8;
  mask?: readonly number[];
}

/** A client's frame. */
function frame(
  opcode: number,
  payload: Uint8Array | string = "",
  options: FrameOptions = {},
): Uint8Array {
  const bytes = typeof payload === "string" ? utf8(payload) : payload;
  const { fin = true, masked = true, mask = MASK } = options;
  const {
    lengthBytes = bytes.length < 126 ? 0 : bytes.length < 65536 ? 2 : 8,
  } = options;
  const short = lengthBytes === 0
    ? bytes.length
    : lengthBytes === 2
    ? 126
    : 127;
  const length = new Uint8Array(lengthBytes);
  for (let i = 0; i < lengthBytes; i++) {
    length[lengthBytes - 1 - i] = Math.floor(bytes.length / 256 ** i);
  }
  return joined([
    Uint8Array.of((fin ? 0x80 : 0) | opcode, (masked ? 0x80 : 0) | short),
    length,
    masked ? Uint8Array.from(mask) : new Uint8Array(0),
    masked ? bytes.map((byte, i) => byte ^ mask[i % 4]!) : bytes,
  ]);
}

/** What a decoder made of bytes that came in pieces. */
interface Decoded {
  /** The payload of all messages. */
  data: string;
  /** Control frames as they were told. */
  events: string[];
  /** The code of the fault, if one was found. */
  fault: number | undefined;
}

function decode(pieces: readonly Uint8Array[], offset = 3): Decoded {
  const events: string[] = [];
  const decoder = new WebSocketDecoder({
    onPing: (payload) => events.push(`ping ${toHex(payload)}`),
    onPong: () => events.push("pong"),
    onCloseFrame: (code, reason) => events.push(`close ${code} ${reason}`),
  });
  const data: Uint8Array[] = [];
  for (const piece of pieces) {
    const buffer = new Uint8Array(offset + piece.length + 5).fill(0xee);
    buffer.set(piece, offset);
    const count = decoder.decode(buffer, offset, piece.length);
    data.push(buffer.slice(offset, offset + count));
    // Nothing beyond is touched.
    assertEquals(toHex(buffer.subarray(offset + piece.length)), "eeeeeeeeee");
  }
  const fault = decoder.fault?.closeCode;
  return { data: toHex(joined(data)), events, fault };
}

/** Whole, byte by byte and cut in two at every place: always the same. */
function decodeEveryWay(bytes: Uint8Array): Decoded {
  const whole = decode([bytes]);
  assertEquals(decode(Array.from(bytes, (byte) => Uint8Array.of(byte))), whole);
  if (bytes.length < 400) {
    for (let at = 1; at < bytes.length; at++) {
      assertEquals(decode([bytes.subarray(0, at), bytes.subarray(at)]), whole);
    }
  }
  return whole;
}

function pattern(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => i * 7 + (i >> 8));
}

Deno.test("WebSocketDecoder reads the example of RFC 6455", () => {
  const { data, fault } = decodeEveryWay(hex("82 85 37fa213d 7f9f4d5158"));
  assertEquals([data, fault], [toHex(utf8("Hello")), undefined]);
});

Deno.test("WebSocketDecoder gives payloads of every length as one stream", () => {
  for (
    const length of [
      0,
      1,
      2,
      3,
      4,
      5,
      125,
      126,
      127,
      128,
      300,
      65535,
      65536,
      65600,
    ]
  ) {
    const payload = pattern(length);
    const { data, fault } = decode([frame(2, payload)]);
    assertEquals([data, fault], [toHex(payload), undefined], `${length}`);
  }
  const pieces = [1, 130, 0, 7, 3].map((length) => pattern(length));
  const all = joined(pieces.map((payload) => frame(2, payload)));
  assertEquals(decodeEveryWay(all).data, toHex(joined(pieces)));
});

Deno.test("WebSocketDecoder unmasks at every place in the buffer and in the mask", () => {
  const payload = pattern(37);
  for (let offset = 0; offset < 9; offset++) {
    for (let cut = 0; cut <= payload.length + 6; cut++) {
      const bytes = frame(2, payload);
      const { data } = decode(
        [bytes.subarray(0, cut), bytes.subarray(cut)],
        offset,
      );
      assertEquals(data, toHex(payload), `${offset} ${cut}`);
    }
  }
});

Deno.test("WebSocketDecoder joins the frames of a message, control frames between them", () => {
  const { data, events, fault } = decodeEveryWay(joined([
    frame(2, "ab", { fin: false }),
    frame(9, "p1"),
    frame(0, "", { fin: false }),
    frame(10, "unasked"),
    frame(0, "cd"),
    frame(2, "next"),
    frame(8, Uint8Array.of(0x03, 0xe8, 0x62, 0x79)),
    frame(2, "after the close"),
  ]));
  assertEquals(data, toHex(utf8("abcdnext")));
  assertEquals(events, ["ping 7031", "pong", "close 1000 by"]);
  assertEquals(fault, undefined);
});

const code = (value: number) => Uint8Array.of(value >> 8, value & 255);

// The facts of the Autobahn test suite's cases, of sections 2 to 7: what is sent, what must come.
type Case = [name: string, bytes: Uint8Array, expected: Partial<Decoded>];

const CASES: Case[] = [
  ["2.1 ping without payload", frame(9), { events: ["ping "] }],
  ["2.2 ping with text", frame(9, "Hi"), { events: ["ping 4869"] }],
  ["2.3 ping with binary", frame(9, hex("00fffefd")), {
    events: ["ping 00fffefd"],
  }],
  ["2.4 ping of 125 bytes", frame(9, pattern(125)), {
    events: [`ping ${toHex(pattern(125))}`],
  }],
  ["2.5 ping of 126 bytes", frame(9, pattern(126)), { fault: 1002 }],
  ["2.7 unsolicited pong", frame(10), { events: ["pong"] }],
  ["2.8 unsolicited pong with payload", frame(10, "x"), { events: ["pong"] }],
  ["3.1 RSV1", withFirst(frame(2, "x"), 0xc2), { fault: 1002 }],
  ["3.2 RSV2", withFirst(frame(2, "x"), 0xa2), { fault: 1002 }],
  ["3.3 RSV3", withFirst(frame(2, "x"), 0x92), { fault: 1002 }],
  ["3.7 RSV in a ping", withFirst(frame(9), 0xf9), { fault: 1002 }],
  ["4.1.1 opcode 3", frame(3), { fault: 1002 }],
  ["4.1.2 opcode 4", frame(4, "x"), { fault: 1002 }],
  ["4.1.5 opcode 7", frame(7, "x"), { fault: 1002 }],
  ["4.2.1 opcode 11", frame(11), { fault: 1002 }],
  ["4.2.5 opcode 15", frame(15, "x"), { fault: 1002 }],
  [
    "5.1 ping in two",
    joined([frame(9, "a", { fin: false }), frame(0, "b")]),
    {
      fault: 1002,
    },
  ],
  ["5.2 pong in two", frame(10, "a", { fin: false }), { fault: 1002 }],
  ["5.9 continuation of nothing", frame(0, "x"), { fault: 1002 }],
  [
    "5.10 continuation of nothing, more to come",
    frame(0, "x", { fin: false }),
    {
      fault: 1002,
    },
  ],
  [
    "5.18 two beginnings",
    joined([frame(2, "", { fin: false }), frame(2, "b")]),
    {
      fault: 1002,
    },
  ],
  ["6 text", frame(1, "Hello"), { fault: 1003 }],
  ["7.3.1 close without payload", frame(8), { events: ["close 1005 "] }],
  ["7.3.2 close with half a code", frame(8, "x"), { fault: 1002 }],
  ["7.3.3 close with a code", frame(8, code(1000)), {
    events: ["close 1000 "],
  }],
  [
    "7.3.5 the longest reason",
    frame(8, joined([code(1000), utf8("r".repeat(123))])),
    {
      events: [`close 1000 ${"r".repeat(123)}`],
    },
  ],
  [
    "7.3.6 a reason too long",
    frame(8, joined([code(1000), utf8("r".repeat(124))])),
    {
      fault: 1002,
    },
  ],
  [
    "7.5.1 a reason that is no UTF-8",
    frame(8, joined([code(1000), hex("cebae1bdb9cf83cebcceb5eda080")])),
    {
      fault: 1007,
    },
  ],
  ...[
    1000,
    1001,
    1002,
    1003,
    1007,
    1008,
    1009,
    1010,
    1011,
    1012,
    1013,
    1014,
    3000,
    3999,
    4000,
    4999,
  ]
    .map((
      value,
    ): Case => [`7.7 code ${value}`, frame(8, code(value)), {
      events: [`close ${value} `],
    }]),
  ...[0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535]
    .map((
      value,
    ): Case => [`7.9 code ${value}`, frame(8, code(value)), { fault: 1002 }]),
  ["unmasked", frame(2, "x", { masked: false }), { fault: 1002 }],
  ["2 bytes for a short length", frame(2, "x", { lengthBytes: 2 }), {
    fault: 1002,
  }],
  ["8 bytes for a short length", frame(2, pattern(300), { lengthBytes: 8 }), {
    fault: 1002,
  }],
  ["a length of 2^63", hex("82 ff 8000000000000000 00000000"), {
    fault: 1002,
  }],
];

function withFirst(bytes: Uint8Array, first: number): Uint8Array {
  bytes[0] = first;
  return bytes;
}

for (const [name, bytes, expected] of CASES) {
  Deno.test(`WebSocketDecoder: ${name}`, () => {
    assertEquals(decodeEveryWay(bytes), {
      data: "",
      events: [],
      fault: undefined,
      ...expected,
    });
  });
}

Deno.test("WebSocketDecoder gives what came before a fault, and says what was wrong", () => {
  const decoder = new WebSocketDecoder({
    onPing: () => {},
    onPong: () => {},
    onCloseFrame: () => {},
  });
  const bytes = joined([frame(2, "fine"), frame(2, "x", { masked: false })]);
  const count = decoder.decode(bytes, 0, bytes.length);
  assertEquals(new TextDecoder().decode(bytes.subarray(0, count)), "fine");
  assertEquals(decoder.fault?.message, "a frame is not masked");
  assertEquals(decoder.decode(frame(2, "later"), 0, 11), 0);
});

Deno.test("writeWebSocketHeader() writes the three forms of a length", () => {
  for (
    const [length, expected] of [
      [0, "8200"],
      [125, "827d"],
      [126, "827e007e"],
      [65535, "827effff"],
      [65536, "827f0000000000010000"],
      [2 ** 32 + 5, "827f0000000100000005"],
    ] as const
  ) {
    const target = new Uint8Array(14).fill(0xee);
    writeWebSocketHeader(target, 1, length);
    const bytes = webSocketHeaderBytes(length);
    assertEquals(toHex(target.subarray(1, 1 + bytes)), expected);
    assertEquals(target[1 + bytes], 0xee);
  }
});
