import { assertEquals, assertThrows } from "@std/assert";
import {
  BoxError,
  decodeCloseUsers,
  decodeRspToUsers,
  encodeRspToUsers,
  type UserMessage,
} from "@maple/box";
import { propertyTest } from "../helpers/random.ts";
import { refusedOr, surviveHostile } from "./hostile_body.ts";
import { hex } from "./support.ts";

const ROWS: UserMessage[] = [
  { uids: [1], userdata: 0, exclude: [], buf: new Uint8Array(0) },
  { uids: [], userdata: -1, exclude: [0], buf: new Uint8Array(50).fill(1) },
  {
    uids: [-1, -2, -3],
    userdata: 5,
    exclude: [300, 2n ** 60n],
    buf: new Uint8Array(100).fill(2),
  },
  {
    uids: [2n ** 63n - 1n, -(2n ** 63n)],
    userdata: 2 ** 50,
    exclude: [],
    buf: new Uint8Array(150).fill(3),
  },
];

for (
  const [what, digits, message] of [
    ["a varint without end", "08ff", "a varint beyond its end"],
    ["a tag without value", "08", "a varint beyond its end"],
    ["half a tag", "88", "a varint beyond its end"],
    [
      "eleven bytes of varint",
      "08" + "80".repeat(10) + "01",
      "more than ten bytes",
    ],
    [
      "a list that is longer than the rest",
      "0a0501",
      "a length beyond its end",
    ],
    ["a list of 2^31 bytes", "0a8080808008", "a length beyond its end"],
    [
      "a list of 2^63 bytes",
      "0a80808080808080808001",
      "a length beyond its end",
    ],
    ["a list of -1 bytes", "0affffffffffffffffff01", "a length beyond its end"],
    ["a list whose last value is cut", "0a02 01ff", "a varint beyond its end"],
    ["field 0", "0001", "a bad tag"],
    ["a tag of 64 bits", "f8ffffffffffffffff01 01", "a bad tag"],
    ["userdata as bytes", "120101", "wire type 2 for field 2"],
    ["userdata as fixed64", "110000000000000000", "wire type 1 for field 2"],
    ["a uid as fixed32", "0d01000000", "wire type 5 for field 1"],
    ["a group", "23 24", "wire type 3"],
    ["wire type 6", "26", "wire type 6"],
    ["wire type 7", "27", "wire type 7"],
    ["a cut fixed64", "21 00000000000000", "a value beyond its end"],
    ["a cut fixed32", "25 000000", "a value beyond its end"],
    ["cut bytes of an unknown field", "2205 00", "a length beyond its end"],
  ] as const
) {
  Deno.test(`decodeCloseUsers() refuses ${what}`, () => {
    const error = assertThrows(
      () => decodeCloseUsers(hex(digits)),
      BoxError,
      "Cannot decode CloseUsers of ",
    );
    assertEquals(error.code, "frame");
    assertEquals(error.message.includes(message), true, error.message);
  });
}

Deno.test("decodeRspToUsers() refuses broken rows", () => {
  for (
    const digits of [
      "0801",
      "0a02",
      "0a021205",
      "0a0208ff",
      "0a0100",
      "0a021001",
    ]
  ) {
    const error = assertThrows(
      () => decodeRspToUsers(hex(digits)),
      BoxError,
      "Cannot decode RspToUsers",
    );
    assertEquals(error.code, "frame");
  }
});

Deno.test("decodeRspToUsers() and decodeCloseUsers() refuse a body that is cut, or take its beginning", () => {
  const rows = ROWS;
  const body = encodeRspToUsers(rows);
  for (let cut = 0; cut < body.length; cut++) {
    const part = body.subarray(0, cut);
    const decoded = refusedOr(() => decodeRspToUsers(part));
    if (decoded) assertEquals(decoded, rows.slice(0, decoded.length));
  }
});

propertyTest(
  "decodeRspToUsers() and decodeCloseUsers() survive a hundred thousand hostile bodies",
  (random) => {
    const usedBefore = Deno.memoryUsage().heapUsed;
    surviveHostile(random, {
      decoders: [decodeRspToUsers, decodeCloseUsers],
      samples: [encodeRspToUsers(ROWS)],
    });
    const grown = Deno.memoryUsage().heapUsed - usedBefore;
    assertEquals(grown < 128 * 1024 * 1024, true, `${grown} bytes more`);
  },
);
