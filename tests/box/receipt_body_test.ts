import { assertEquals, assertThrows } from "@std/assert";
import protobuf from "npm:protobufjs@7.6.6";
import { BoxError, type Int64, Task, TaskCmd, TaskFlag } from "@maple/box";
import {
  decodeQuery,
  decodeReceipt,
  encodeQuery,
  encodeReceipt,
  noReceipt,
  type Query,
  QUERY_MAX,
  type Receipt,
  receiptFor,
} from "@maple/box/internal";
import { propertyTest } from "../helpers/random.ts";
import { refusedOr, surviveHostile } from "./hostile_body.ts";
import { hex, toHex, utf8 } from "./support.ts";

const QUERY: Query = {
  uids: [1, 300, 2n ** 60n, -1],
  names: ["table:1", "", "größe"],
  members: true,
  after: 2n ** 61n,
  limit: 50,
};

const RECEIPT: Receipt = {
  delivered: 3_000_000_000,
  offline: [7, 2n ** 62n],
  online: [1, -2],
  groups: [
    { name: "größe", size: 2, uids: [5, 6] },
    { name: "", size: 0, uids: [] },
  ],
  missingNodes: [3, -1, 2 ** 31 - 1],
  error: "nö",
};

const PROTO = (packed: boolean) => `
  syntax = "proto3";
  message Query {
    repeated int64 uids = 1 [packed = ${packed}]; repeated string names = 2; bool members = 3;
    int64 after = 4; int32 limit = 5; double newer = 90;
  }
  message Receipt {
    int64 delivered = 1; repeated int64 offline = 2 [packed = ${packed}];
    repeated int64 online = 3 [packed = ${packed}];
    message Group { string name = 1; int64 size = 2; repeated int64 uids = 3 [packed = ${packed}]; }
    repeated Group groups = 4; repeated int32 missing_nodes = 5 [packed = ${packed}];
    string error = 6; float newer = 90;
  }`;

for (const packed of [true, false]) {
  const lists = packed ? "packed" : "not packed";
  const { root } = protobuf.parse(PROTO(packed), { keepCase: true });
  root.resolveAll();

  const encodeByPeer = (type: string, message: object): Uint8Array => {
    const codec = root.lookupType(type);
    const text = JSON.stringify(
      message,
      (_, value) => typeof value === "bigint" ? String(value) : value,
    );
    const bytes = codec.encode(codec.fromObject(JSON.parse(text))).finish();
    return new Uint8Array(bytes);
  };

  Deno.test(`decodeQuery() reads what another implementation writes, lists ${lists}`, () => {
    const body = encodeByPeer("Query", { ...QUERY, newer: 1.5 });
    assertEquals(decodeQuery(body), QUERY);
  });

  Deno.test(`decodeReceipt() reads what another implementation writes, lists ${lists}`, () => {
    const { missingNodes, ...rest } = RECEIPT;
    const told = { ...rest, missing_nodes: missingNodes, newer: 1.5 };
    assertEquals(decodeReceipt(encodeByPeer("Receipt", told)), RECEIPT);
  });

  if (!packed) continue;
  Deno.test("encodeQuery() and encodeReceipt() write the bytes of another implementation", () => {
    assertEquals(
      toHex(encodeQuery(QUERY)),
      toHex(encodeByPeer("Query", QUERY)),
    );
    const { missingNodes, ...rest } = RECEIPT;
    const told = { ...rest, missing_nodes: missingNodes };
    // The peer writes an empty name where ours leaves the default out.
    const named = RECEIPT.groups.filter(({ name }) => name !== "");
    assertEquals(
      toHex(encodeReceipt({ ...RECEIPT, groups: named })),
      toHex(encodeByPeer("Receipt", { ...told, groups: named })),
    );
  });
}

Deno.test("encodeQuery() and encodeReceipt() write the field numbers of the wire", () => {
  assertEquals(
    toHex(encodeQuery({ uids: [1, 2], names: ["a"], members: true, limit: 9 })),
    "0a020102" + "120161" + "1801" + "2809",
  );
  assertEquals(toHex(encodeQuery({ after: 5 })), "2005");
  assertEquals(
    toHex(encodeReceipt({
      delivered: 1,
      offline: [2],
      online: [3],
      groups: [{ name: "a", size: 4, uids: [5] }],
      missingNodes: [6],
      error: "e",
    })),
    "0801" + "120102" + "1a0103" + "2208" + "0a016110041a0105" + "2a0106" +
      "320165",
  );
  assertEquals(encodeReceipt({}).length, 0);
  assertEquals(encodeQuery({}).length, 0);
});

Deno.test("decodeQuery() and decodeReceipt() give what was encoded; nothing is nothing", () => {
  assertEquals(decodeQuery(encodeQuery(QUERY)), QUERY);
  assertEquals(decodeReceipt(encodeReceipt(RECEIPT)), RECEIPT);
  assertEquals(decodeReceipt(new Uint8Array(0)), noReceipt());
  assertEquals(decodeQuery(new Uint8Array(0)), {
    uids: [],
    names: [],
    members: false,
    after: 0,
    limit: 0,
  });
});

Deno.test("receiptFor() is the header of the frame, with the command and a body of its own", () => {
  const frame = new Task({
    cmd: TaskCmd.WRITE_TO_WORKER,
    flags: TaskFlag.RECEIPT_WANTED | TaskFlag.INNER,
    ret: 12,
    nodeId: 3,
    tag: 4,
    connId: 2n ** 60n,
    custom: -(2n ** 63n),
    body: "a long body that is not sent back",
  }).pack();
  const receipt = Task.fromFrame(receiptFor(frame, { delivered: 1 }));
  const { cmd, flags, ret, nodeId, tag, connId, custom, body } = receipt;
  assertEquals(
    { cmd, flags, ret, nodeId, tag, connId, custom },
    {
      ...{ cmd: 340, flags: 0, ret: 12, nodeId: 3, tag: 4 },
      ...{ connId: 2n ** 60n, custom: -(2n ** 63n) },
    },
  );
  assertEquals(decodeReceipt(body), { ...noReceipt(), delivered: 1 });
});

Deno.test("encodeQuery() refuses what does not fit", () => {
  for (
    const query of [
      { uids: [1.5] },
      { after: 2n ** 63n },
      { limit: -1 },
      { limit: QUERY_MAX + 1 },
      { limit: NaN },
      { names: [7 as unknown as string] },
    ]
  ) {
    const error = assertThrows(
      () => encodeQuery(query),
      BoxError,
      "Cannot ask: ",
    );
    assertEquals(error.code, "value");
  }
});

Deno.test("decodeQuery() takes a limit that is none as the nearest", () => {
  // -1 and 2^31.
  assertEquals(decodeQuery(hex("28ffffffffffffffffff01")).limit, 0);
  assertEquals(decodeQuery(hex("288080808008")).limit, QUERY_MAX);
});

for (
  const [what, digits, message] of [
    ["a varint without end", "08ff", "a varint beyond its end"],
    ["a varint of eleven bytes", "08" + "80".repeat(10) + "01", "ten bytes"],
    ["a list beyond the end", "0a0501", "a length beyond its end"],
    ["a list of 2^63 bytes", "0a80808080808080808001", "a length beyond"],
    ["a name that is no UTF-8", "1202c328", "a text in field 2 that is no"],
    ["half a character", "1201c3", "a text in field 2 that is no UTF-8"],
    ["a surrogate", "1203eda080", "a text in field 2 that is no UTF-8"],
    ["a name as a number", "1001", "wire type 0 for field 2"],
    ["members as bytes", "1a00", "wire type 2 for field 3"],
    ["field 0", "0001", "a bad tag"],
    ["a group of old", "2324", "wire type 3 for field 4"],
  ] as const
) {
  Deno.test(`decodeQuery() refuses ${what}`, () => {
    const error = assertThrows(
      () => decodeQuery(hex(digits)),
      BoxError,
      "Cannot decode Query of ",
    );
    assertEquals(error.code, "frame");
    assertEquals(error.message.includes(message), true, error.message);
  });
}

for (
  const [what, digits] of [
    ["a group that is cut", "22050a0161"],
    ["a group whose name is no UTF-8", "22040a02c328"],
    ["a group that is a number", "2001"],
    ["an error that is no UTF-8", "3201ff"],
    ["a node that is cut", "2a02ffff"],
  ] as const
) {
  Deno.test(`decodeReceipt() refuses ${what}`, () => {
    const error = assertThrows(
      () => decodeReceipt(hex(digits)),
      BoxError,
      "Cannot decode Receipt",
    );
    assertEquals(error.code, "frame");
  });
}

Deno.test("decodeQuery() and decodeReceipt() refuse a body that is cut, or take its beginning", () => {
  for (
    const [body, decode] of [
      [encodeQuery(QUERY), decodeQuery],
      [encodeReceipt(RECEIPT), decodeReceipt],
    ] as const
  ) {
    let taken = 0;
    for (let cut = 0; cut < body.length; cut++) {
      if (refusedOr<unknown>(() => decode(body.subarray(0, cut)))) taken++;
    }
    // At the ends of fields only.
    assertEquals(taken < body.length / 3, true, `${taken} of ${body.length}`);
  }
});

Deno.test("decodeQuery() takes as many uids and names as one question may have, and no more", () => {
  const uids = Array.from({ length: QUERY_MAX }, (_, i) => i);
  const names = uids.map(String);
  const most = decodeQuery(encodeQuery({ uids, names }));
  assertEquals([most.uids.length, most.names.length], [QUERY_MAX, QUERY_MAX]);

  const many = Array.from({ length: 100_000 }, (_, i) => `${i}`);
  assertThrows(
    () => decodeQuery(encodeQuery({ names: many })),
    BoxError,
    "more than 10000 names",
  );
  // Names of no bytes, so that the body is as short as it can be.
  const empty = new Uint8Array(200_000);
  for (let at = 0; at < empty.length; at += 2) empty[at] = 0x12;
  assertThrows(() => decodeQuery(empty), BoxError, "more than 10000 names");

  const packed = encodeQuery({ uids: [...uids, 1] });
  assertThrows(() => decodeQuery(packed), BoxError, "more than 10000 values");
  const loose = new Uint8Array(2 * (QUERY_MAX + 1)).fill(8);
  assertThrows(() => decodeQuery(loose), BoxError, "more than 10000 values");
});

Deno.test("decodeQuery() stops at a bomb of varints before it takes memory for it", () => {
  const bomb = new Uint8Array(8 * 1024 * 1024 + 5);
  bomb.set(hex("0a80808004"));
  const usedBefore = Deno.memoryUsage().heapUsed;
  assertThrows(() => decodeQuery(bomb), BoxError, "more than 10000 values");
  const grown = Deno.memoryUsage().heapUsed - usedBefore;
  assertEquals(grown < 8 * 1024 * 1024, true, `${grown} bytes more`);
});

propertyTest(
  "decodeQuery() and decodeReceipt() survive a hundred thousand hostile bodies",
  (random) => {
    surviveHostile(random, {
      decoders: [decodeQuery, decodeReceipt],
      samples: [
        encodeQuery(QUERY),
        encodeReceipt(RECEIPT),
        utf8("\x12\x01"),
      ],
    });
  },
);

propertyTest("queries and receipts of any values come back", (random) => {
  const list = (): Int64[] =>
    Array.from({ length: random.between(0, 5) }, () => random.signed(64));
  for (let run = 0; run < 2000; run++) {
    const receipt: Receipt = {
      delivered: random.between(0, 2 ** 32),
      offline: list(),
      online: list(),
      groups: [{ name: `n${run}`, size: run, uids: list() }],
      missingNodes: list().map((value) =>
        Number(BigInt.asIntN(32, BigInt(value)))
      ),
      error: "",
    };
    assertEquals(decodeReceipt(encodeReceipt(receipt)), receipt);
    const query: Query = {
      uids: list(),
      names: ["ä".repeat(random.between(0, 200))],
      members: random.next() < 0.5,
      after: random.signed(64),
      limit: random.between(0, QUERY_MAX),
    };
    assertEquals(decodeQuery(encodeQuery(query)), query);
  }
});
