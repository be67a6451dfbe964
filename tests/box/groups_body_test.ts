import { assert, assertEquals, assertThrows } from "@std/assert";
import protobuf from "npm:protobufjs@7.6.6";
import {
  BoxError,
  decodeGroups,
  decodeRspToGroups,
  encodeGroups,
  encodeRspToGroups,
  type GroupMessage,
} from "@maple/box";
import { propertyTest } from "../helpers/random.ts";
import { refusedOr, surviveHostile } from "./hostile_body.ts";
import { hex, toHex, utf8 } from "./support.ts";

const ROWS: GroupMessage[] = [
  { names: ["a"], buf: new Uint8Array(0), userdata: 0, exclude: [] },
  { names: [], buf: utf8("hi"), userdata: -1, exclude: [0] },
  {
    names: ["table:7", "ünïcödé 🂡", "\ufeffx", "n".repeat(128)],
    buf: new Uint8Array(100).fill(2),
    userdata: 5,
    exclude: [300, 2n ** 60n],
  },
];

function peer(packed: boolean): protobuf.Root {
  const { root } = protobuf.parse(
    `
    syntax = "proto3";
    message Groups {
      repeated string names = 1;
      repeated int64 uids = 2 [packed = ${packed}];
    }
    message RspToGroups {
      message Row {
        repeated string names = 1;
        bytes buf = 2;
        int64 userdata = 3;
        repeated int64 exclude = 4 [packed = ${packed}];
      }
      repeated Row rows = 1;
    }`,
  );
  root.resolveAll();
  return root;
}

for (const packed of [true, false]) {
  const how = packed ? "packed" : "not packed";
  Deno.test(`bodies about groups are those of another implementation, lists ${how}`, () => {
    const root = peer(packed);
    const groups = root.lookupType("Groups");
    const message = { names: ["a", "ü"], uids: [1, 300] };
    const theirs = new Uint8Array(groups.encode(message).finish());
    assertEquals(decodeGroups(theirs), message);
    const rows = root.lookupType("RspToGroups");
    const simple = [{ ...ROWS[2]!, exclude: [300, 7] }];
    const bytes = new Uint8Array(rows.encode({ rows: simple }).finish());
    assertEquals(decodeRspToGroups(bytes), simple as GroupMessage[]);
    if (!packed) return;
    assertEquals(toHex(encodeGroups(message)), toHex(theirs));
    assertEquals(toHex(encodeRspToGroups(simple)), toHex(bytes));
  });
}

Deno.test("bodies about groups come back as they went", () => {
  assertEquals(decodeRspToGroups(encodeRspToGroups(ROWS)), ROWS);
  const groups = { names: ["a", "\ufeffb"], uids: [-2, 1, 2n ** 62n] };
  assertEquals(decodeGroups(encodeGroups(groups)), groups);
  const nothing = { names: [], uids: [] };
  assertEquals(toHex(encodeGroups(nothing)), "");
  assertEquals(decodeGroups(new Uint8Array(0)), nothing);
});

Deno.test("encodeGroups() refuses what is no name of a group", () => {
  for (
    const name of [
      "",
      "n".repeat(129),
      "ü".repeat(65),
      "🂡".repeat(33),
      "half \ud83c",
      7 as unknown as string,
    ]
  ) {
    for (
      const encode of [
        () => encodeGroups({ names: ["a", name], uids: [] }),
        () => encodeRspToGroups([{ ...ROWS[0]!, names: [name] }]),
      ]
    ) {
      const error = assertThrows(encode, BoxError, "1 to 128 bytes of UTF-8");
      assertEquals(error.code, "value");
    }
  }
  encodeGroups({ names: ["ü".repeat(64), "🂡".repeat(32)], uids: [] });
  assertThrows(
    () => encodeGroups({ names: ["a"], uids: [0.5] }),
    BoxError,
    "64-bit integers, got 0.5",
  );
  assertThrows(
    () => encodeRspToGroups([{ ...ROWS[0]!, userdata: NaN }]),
    BoxError,
    "64-bit integers, got NaN",
  );
});

for (
  const [what, digits, message] of [
    ["a name that is no UTF-8", "0a02c328", "no UTF-8"],
    ["a name with half a surrogate pair", "0a03eda081", "no UTF-8"],
    ["an empty name", "0a00", "empty or longer than 128 bytes"],
    [
      "a name of 129 bytes",
      "0a8101" + "61".repeat(129),
      "empty or longer than 128 bytes",
    ],
    ["a name as varint", "0801", "wire type 0"],
    ["a name that is cut", "0a0561", "a length beyond its end"],
    ["a name of 2^63 bytes", "0a80808080808080808001", "beyond its end"],
    ["a uid as fixed64", "110000000000000000", "wire type 1"],
    ["a varint without end", "10ff", "a varint beyond its end"],
    ["eleven bytes of varint", "10" + "80".repeat(10) + "01", "more than ten"],
    ["field 0", "0001", "a bad tag"],
  ] as const
) {
  Deno.test(`decodeGroups() refuses ${what}`, () => {
    const error = assertThrows(() => decodeGroups(hex(digits)), BoxError);
    assertEquals(error.code, "frame");
    assert(error.message.startsWith("Cannot decode Groups of "), error.message);
    assert(error.message.includes(message), error.message);
  });
}

Deno.test("bodies about groups have 100,000 names at most", () => {
  const names = Array.from({ length: 100_000 }, (_, i) => `g${i}`);
  assertEquals(decodeGroups(encodeGroups({ names, uids: [] })).names, names);
  const row = { ...ROWS[0]!, names };
  assertEquals(decodeRspToGroups(encodeRspToGroups([row]))[0]!.names, names);
  const more = [...names, "one more"];
  assertThrows(
    () => encodeGroups({ names: more, uids: [] }),
    BoxError,
    "100001 groups",
  );
  const bytes = new Uint8Array(3 * more.length);
  for (let at = 0; at < bytes.length; at += 3) bytes.set([10, 1, 97], at);
  assertThrows(
    () => decodeGroups(bytes),
    BoxError,
    "more than 100000 names of groups",
  );
});

Deno.test("a body about groups that is cut is refused, or taken up to there", () => {
  const body = encodeRspToGroups(ROWS);
  for (let cut = 0; cut < body.length; cut++) {
    const decoded = refusedOr(() => decodeRspToGroups(body.subarray(0, cut)));
    if (decoded) assertEquals(decoded, ROWS.slice(0, decoded.length));
  }
  const groups = { names: ["a", "bb", "ü"], uids: [1, 300, -2] };
  const bytes = encodeGroups(groups);
  for (let cut = 0; cut < bytes.length; cut++) {
    const decoded = refusedOr(() => decodeGroups(bytes.subarray(0, cut)));
    if (!decoded) continue;
    assertEquals(decoded.names, groups.names.slice(0, decoded.names.length));
    assertEquals(decoded.uids, []);
  }
});

propertyTest(
  "decodeGroups() and decodeRspToGroups() survive a hundred thousand hostile bodies",
  (random) => {
    surviveHostile(random, {
      decoders: [decodeGroups, decodeRspToGroups],
      samples: [encodeRspToGroups(ROWS)],
    });
  },
);
