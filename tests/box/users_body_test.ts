import { assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import protobuf from "npm:protobufjs@7.6.6";
import {
  BoxError,
  decodeCloseUsers,
  decodeRspToUsers,
  encodeCloseUsers,
  encodeRspToUsers,
  type Int64,
  SpecialUid,
  toInt64,
  type UserMessage,
  type UserSelection,
} from "@maple/box";
import { propertyTest } from "../helpers/random.ts";
import { hex, toHex, utf8 } from "./support.ts";

const MESSAGES = (packed: boolean) => `
  syntax = "proto3";
  message RspToUsers {
    message Row {
      repeated int64 uids = 1 [packed = ${packed}];
      bytes buf = 2;
      int64 userdata = 3;
      repeated int64 exclude = 4 [packed = ${packed}];
    }
    repeated Row rows = 1;
  }
  message CloseUsers {
    repeated int64 uids = 1 [packed = ${packed}];
    int64 userdata = 2;
    repeated int64 exclude = 3 [packed = ${packed}];
  }
  message Newer {
    repeated int64 uids = 1 [packed = ${packed}];
    int64 userdata = 2;
    repeated int64 exclude = 3 [packed = ${packed}];
    string name = 4;
    double weight = 5;
    float share = 6;
    fixed64 id = 17;
    Newer inner = 536870911;
  }
`;

/** The same messages in another implementation, as JSON that has 64-bit numbers as text. */
class Peer {
  readonly #root: protobuf.Root;

  constructor(readonly packed: boolean) {
    const { root } = protobuf.parse(MESSAGES(packed), { keepCase: true });
    root.resolveAll();
    this.#root = root;
    // Whether a list is packed is what the two peers are there for.
    assertEquals(
      toHex(this.encode("CloseUsers", { uids: [1, 2] })),
      packed ? "0a020102" : "08010802",
    );
  }

  encode(type: string, message: unknown): Uint8Array {
    const codec = this.#root.lookupType(type);
    const text = JSON.stringify(
      message,
      (_, value) =>
        typeof value === "bigint"
          ? String(value)
          : value instanceof Uint8Array
          ? Array.from(value)
          : value,
    );
    const bytes = codec.encode(codec.fromObject(JSON.parse(text))).finish();
    // It gives a Buffer of Node.js.
    return new Uint8Array(bytes);
  }

  decode(type: string, bytes: Uint8Array): unknown {
    const codec = this.#root.lookupType(type);
    return codec.toObject(codec.decode(bytes), {
      longs: String,
      defaults: true,
    });
  }
}

const PEERS = [new Peer(true), new Peer(false)];

const EXTREMES: Int64[] = [
  1,
  127,
  128,
  16383,
  16384,
  2 ** 31,
  2 ** 32,
  2 ** 49 - 1,
  2 ** 49,
  Number.MAX_SAFE_INTEGER,
  2n ** 53n,
  2n ** 56n - 1n,
  2n ** 56n,
  2n ** 63n - 1n,
  SpecialUid.LOGGED_IN,
  SpecialUid.ALL,
  SpecialUid.NOT_LOGGED_IN,
  -128,
  Number.MIN_SAFE_INTEGER,
  -(2n ** 53n),
  -(2n ** 63n),
  0,
];

const SELECTIONS: UserSelection[] = [
  { uids: [], userdata: 0, exclude: [] },
  { uids: [1], userdata: 0, exclude: [] },
  { uids: [], userdata: -1, exclude: [] },
  { uids: [], userdata: 0, exclude: [0] },
  { uids: [-1, -2, -3], userdata: 5, exclude: [300, 2n ** 60n] },
  { uids: EXTREMES, userdata: 2n ** 63n - 1n, exclude: EXTREMES },
  { uids: [5], userdata: -(2n ** 63n), exclude: [6] },
];

/** What the peer gives for a message of ours. */
function asPeer(message: UserSelection): Record<string, unknown> {
  return {
    ...message,
    uids: message.uids.map(String),
    userdata: String(message.userdata),
    exclude: message.exclude.map(String),
  };
}

function rowsOf(selections: UserSelection[]): UserMessage[] {
  return selections.map((selection, i) => ({
    ...selection,
    buf: new Uint8Array(i * 50).fill(i),
  }));
}

/** What a decoded message is, its bytes in a plain array type. */
function plainRows(decoded: unknown): unknown {
  const { rows } = decoded as { rows: { buf: Uint8Array }[] };
  return rows.map((row) => ({ ...row, buf: new Uint8Array(row.buf) }));
}

Deno.test("encodeCloseUsers() writes the bytes of protobuf", () => {
  const body = encodeCloseUsers({
    uids: [1, 300, -1],
    userdata: 6,
    exclude: [2],
  });
  assertEquals(
    toHex(body),
    "0a0d" + "01" + "ac02" + "ffffffffffffffffff01" + "1006" + "1a0102",
  );
  assertEquals(
    encodeCloseUsers({ uids: [], userdata: 0n, exclude: [] }).length,
    0,
  );
});

Deno.test("encodeRspToUsers() writes the bytes of protobuf", () => {
  const row = { buf: utf8("hi"), userdata: 3, uids: [7], exclude: [8, 9] };
  const empty = { buf: utf8(""), userdata: 0, uids: [], exclude: [] };
  assertEquals(
    toHex(encodeRspToUsers([row, empty])),
    "0a0d" + "0a0107" + "12026869" + "1803" + "22020809" + "0a00",
  );
  assertEquals(encodeRspToUsers([]).length, 0);
});

Deno.test("encodeRspToUsers() and decodeRspToUsers() have the field numbers of the original system", () => {
  const row = { uids: [1, 2], buf: utf8("hi"), userdata: 0, exclude: [] };
  const body = hex("0a 08 0a 02 01 02 12 02 68 69");
  assertEquals(toHex(encodeRspToUsers([row])), toHex(body));
  assertEquals(decodeRspToUsers(body), [row]);
});

for (const peer of PEERS) {
  const how = peer.packed ? "packed" : "unpacked";

  Deno.test(`decodeCloseUsers() reads what protobufjs writes ${how}`, () => {
    for (const selection of SELECTIONS) {
      const body = peer.encode("CloseUsers", selection);
      assertEquals(decodeCloseUsers(body), selection);
    }
  });

  Deno.test(`protobufjs reads what encodeCloseUsers() writes, expecting it ${how}`, () => {
    for (const selection of SELECTIONS) {
      const body = encodeCloseUsers(selection);
      assertEquals(peer.decode("CloseUsers", body), asPeer(selection));
    }
  });

  Deno.test(`decodeRspToUsers() reads what protobufjs writes ${how}`, () => {
    const rows = rowsOf(SELECTIONS);
    assertEquals(decodeRspToUsers(peer.encode("RspToUsers", { rows })), rows);
  });

  Deno.test(`protobufjs reads what encodeRspToUsers() writes, expecting it ${how}`, () => {
    const rows = rowsOf(SELECTIONS);
    const decoded = peer.decode("RspToUsers", encodeRspToUsers(rows));
    assertEquals(plainRows(decoded), rows.map(asPeer));
  });

  Deno.test(`decodeCloseUsers() skips unknown fields of protobufjs, ${how}`, () => {
    const newer = {
      name: "maple",
      weight: 0.5,
      share: 0.25,
      id: "18446744073709551615",
      inner: { name: "inner", uids: [99] },
    };
    for (const selection of SELECTIONS) {
      const body = peer.encode("Newer", { ...newer, ...selection });
      assertEquals(decodeCloseUsers(body), selection);
    }
  });
}

Deno.test("encodeCloseUsers() writes as protobufjs does, byte for byte", () => {
  for (const { userdata, ...lists } of SELECTIONS) {
    // It writes a field that it is given, we leave a zero out.
    const selection = { ...lists, userdata: userdata === 0 ? 1 : userdata };
    assertEquals(
      toHex(encodeCloseUsers(selection)),
      toHex(PEERS[0]!.encode("CloseUsers", selection)),
    );
  }
});

propertyTest("RspToUsers is the same to protobufjs and to us", (random) => {
  const uids = () =>
    Array.from({ length: random.between(0, 8) }, () => random.signed(64));
  for (let run = 0; run < 300; run++) {
    const rows = Array.from({ length: random.between(0, 5) }, () => ({
      buf: random.bytes(random.pick([0, 3, 200])),
      userdata: random.signed(64),
      uids: uids(),
      exclude: uids(),
    }));
    const ours = encodeRspToUsers(rows);
    assertEquals(decodeRspToUsers(ours), rows);
    for (const peer of PEERS) {
      const theirs = peer.encode("RspToUsers", { rows });
      assertEquals(decodeRspToUsers(theirs), rows);
      assertEquals(
        plainRows(peer.decode("RspToUsers", ours)),
        rows.map(asPeer),
      );
    }
  }
});

Deno.test("decodeCloseUsers() takes packed and unpacked values mixed, and the last userdata", () => {
  const body = hex("0801 0a020203 0804 1005 1006 1a0107 1808");
  assertEquals(decodeCloseUsers(body), {
    uids: [1, 2, 3, 4],
    userdata: 6,
    exclude: [7, 8],
  });
});

Deno.test("decodeCloseUsers() gives the same value always in the same form", () => {
  for (const value of EXTREMES) {
    const { uids } = decodeCloseUsers(
      encodeCloseUsers({ uids: [BigInt(value)], userdata: 0, exclude: [] }),
    );
    assertStrictEquals(uids[0], toInt64(value));
  }
  // Written longer than needed, it is the same number.
  assertStrictEquals(decodeCloseUsers(hex("0881808000")).uids[0], 1);
  assertStrictEquals(
    decodeCloseUsers(hex("08 81808080808080808000")).uids[0],
    1,
  );
});

Deno.test("decodeRspToUsers() gives buf as a view", () => {
  const row = { buf: utf8("view"), userdata: 0, uids: [], exclude: [] };
  const body = encodeRspToUsers([row]);
  assertStrictEquals(decodeRspToUsers(body)[0]!.buf.buffer, body.buffer);
});

Deno.test("encodeRspToUsers() and encodeCloseUsers() refuse what is no 64-bit integer", () => {
  for (const wrong of [0.5, NaN, Infinity, 2 ** 53, 2n ** 63n]) {
    for (
      const selection of [
        { uids: [1, wrong], userdata: 0, exclude: [] },
        { uids: [], userdata: wrong, exclude: [] },
        { uids: [], userdata: 0, exclude: [wrong] },
      ]
    ) {
      const row = { ...selection, buf: utf8("") };
      for (
        const encode of [
          () => encodeCloseUsers(selection),
          () => encodeRspToUsers([row]),
        ]
      ) {
        const error = assertThrows(encode, BoxError, `integers, got ${wrong}`);
        assertEquals(error.code, "value");
      }
    }
  }
});
