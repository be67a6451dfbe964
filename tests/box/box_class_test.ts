import { assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import {
  type Box,
  boxClass,
  BoxError,
  type BoxFields,
  type BoxOf,
  type FieldsOf,
  type FieldSpec,
  FrameFault,
  type Int64,
} from "@maple/box";
import { propertyTest } from "../helpers/random.ts";
import { hex, joined, toHex, utf8 } from "./support.ts";

const EVERY_TYPE = [
  ["int8", "b"],
  ["uint8", "B"],
  ["int16", "h"],
  ["uint16", "H"],
  ["int32", "i"],
  ["uint32", "I"],
  ["int64", "q"],
  ["uint64", "Q"],
  ["raw", "3s"],
  ["bodyLen", "H"],
] as const;

const EveryBox = boxClass(EVERY_TYPE);
const EveryLittleBox = boxClass(EVERY_TYPE, { byteOrder: "<" });

const SMALLEST = {
  int8: -128,
  uint8: 0,
  int16: -32768,
  uint16: 0,
  int32: -(2 ** 31),
  uint32: 0,
  int64: -(2n ** 63n),
  uint64: 0,
  raw: hex("000000"),
};
const LARGEST = {
  int8: 127,
  uint8: 255,
  int16: 32767,
  uint16: 65535,
  int32: 2 ** 31 - 1,
  uint32: 2 ** 32 - 1,
  int64: 2n ** 63n - 1n,
  uint64: 2n ** 64n - 1n,
  raw: hex("ffffff"),
};
const DISTINCT = {
  int8: 1,
  uint8: 2,
  int16: 0x0304,
  uint16: 0x0506,
  int32: 0x0708090a,
  uint32: 0x0b0c0d0e,
  int64: 0x0f101112131415n,
  uint64: 0x161718191a1b1c1dn,
  raw: hex("1e1f20"),
};

/** true where the two types are the same. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends
  (<T>() => T extends B ? 1 : 2) ? true : false;

/** Compiles only for `true`. */
function assertType<T extends true>(_?: T): void {}

Deno.test("boxClass() types the fields of the schema", () => {
  assertType<
    Same<FieldsOf<typeof EVERY_TYPE>, {
      int8: number;
      uint8: number;
      int16: number;
      uint16: number;
      int32: number;
      uint32: number;
      int64: Int64;
      uint64: Int64;
      raw: Uint8Array;
      bodyLen: number;
    }>
  >();
  const box = new EveryBox();
  assertType<Same<typeof box.int32, number>>();
  assertType<Same<typeof box.uint64, Int64>>();
  assertType<Same<typeof box.raw, Uint8Array>>();
  assertType<Same<typeof box.body, Uint8Array>>();
  assertType<Same<ReturnType<typeof box.map>, typeof box>>();
  assertType<Same<Box, BoxOf<BoxFields>>>();
  assertType<Same<Box["cmd"], number>>();

  const inline = boxClass([["cmd", "i"], ["bodyLen", "i"], ["key", "8s"]]);
  const inlineBox = new inline({ cmd: 1 });
  assertType<Same<typeof inlineBox.key, Uint8Array>>();
  // @ts-expect-error: the schema has no such field
  assertThrows(() => new inline({ command: 1 }), BoxError);
  // @ts-expect-error: the field takes a number
  assertThrows(() => new inline({ cmd: "1" }).pack(), BoxError);
  // @ts-expect-error: the field does not exist
  assertStrictEquals(inlineBox.command, undefined);
});

Deno.test("boxClass() packs every type in network order", () => {
  assertEquals(EveryBox.headerBytes, 35);
  assertEquals(
    toHex(new EveryBox({ ...DISTINCT, body: "hi" }).pack()),
    "01" + "02" + "0304" + "0506" + "0708090a" + "0b0c0d0e" +
      "000f101112131415" + "161718191a1b1c1d" + "1e1f20" + "0002" + "6869",
  );
  assertEquals(
    toHex(new EveryBox(SMALLEST).pack()),
    "80" + "00" + "8000" + "0000" + "80000000" + "00000000" +
      "8000000000000000" + "0000000000000000" + "000000" + "0000",
  );
  assertEquals(
    toHex(new EveryBox(LARGEST).pack()),
    "7f" + "ff" + "7fff" + "ffff" + "7fffffff" + "ffffffff" +
      "7fffffffffffffff" + "ffffffffffffffff" + "ffffff" + "0000",
  );
});

Deno.test('boxClass() packs every type little-endian with byteOrder "<"', () => {
  assertEquals(
    toHex(new EveryLittleBox({ ...DISTINCT, body: "hi" }).pack()),
    "01" + "02" + "0403" + "0605" + "0a090807" + "0e0d0c0b" +
      "1514131211100f00" + "1d1c1b1a19181716" + "1e1f20" + "0200" + "6869",
  );
});

for (const each of [EveryBox, EveryLittleBox]) {
  const order = each === EveryBox ? "network order" : "little-endian";
  Deno.test(`boxClass() unpacks every type in ${order}`, () => {
    for (const fields of [SMALLEST, LARGEST, DISTINCT]) {
      const box = each.fromFrame(new each({ ...fields, body: "b" }).pack());
      const { int64, ...rest } = fields;
      const safe = int64 === DISTINCT.int64 ? Number(int64) : int64;
      assertEquals<unknown>({ ...box }, { ...rest, int64: safe, bodyLen: 1 });
    }
  });

  Deno.test(`boxClass() refuses values that do not fit in ${order}`, () => {
    for (
      const [name, values] of Object.entries({
        int8: [-129, 128],
        uint8: [-1, 256],
        int16: [-32769, 32768],
        uint16: [-1, 65536],
        int32: [-(2 ** 31) - 1, 2 ** 31],
        uint32: [-1, 2 ** 32],
        int64: [-(2n ** 63n) - 1n, 2n ** 63n, 2 ** 53, 0.5, "1"],
        uint64: [-1, -1n, 2n ** 64n, 2 ** 53, null],
        raw: [hex("01020304"), 5, undefined],
      })
    ) {
      for (const value of values) {
        const box = new each();
        Object.assign(box, { [name]: value });
        const error = assertThrows(
          () => box.pack(),
          BoxError,
          `Cannot pack field "${name}": it takes `,
        );
        assertEquals(error.code, "value");
      }
    }
  });
}

Deno.test("boxClass() pads raw fields, and shares no bytes between boxes", () => {
  const KeyBox = boxClass([["bodyLen", "b"], ["key", "4s", "ab"]]);
  assertEquals(toHex(new KeyBox().pack()), "0061620000");
  assertEquals(toHex(new KeyBox({ key: utf8("xyz") }).pack()), "0078797a00");
  new KeyBox().key.fill(1);
  assertEquals(toHex(new KeyBox().pack()), "0061620000");
});

for (const name of ["packetLen", "packet_len", "bodyLen", "body_len"]) {
  for (const type of ["b", "B", "h", "H", "i", "I", "q", "Q"] as const) {
    for (const byteOrder of ["!", "<"] as const) {
      Deno.test(`boxClass() takes ${name} as ${type} in order ${byteOrder}`, () => {
        const schema: FieldSpec[] = [["before", "B", 9], [name, type], [
          "after",
          "B",
        ]];
        const LengthBox = boxClass(schema, { byteOrder });
        const frame = new LengthBox({ body: "x".repeat(100) } as object).pack();
        const { headerBytes } = LengthBox;
        const bytes = headerBytes - 2;
        const field = frame.subarray(1, 1 + bytes);
        const length = byteOrder === "!" ? field : field.slice().reverse();
        const expected = name.startsWith("packet") ? 100 + headerBytes : 100;
        assertEquals(parseInt(toHex(length), 16), expected);
        assertEquals(LengthBox.check(frame), frame.length);
        assertEquals(LengthBox.check(frame.subarray(0, -1)), 0);
        assertEquals(LengthBox.fromFrame(frame).text(), "x".repeat(100));
        field.fill(0xff);
        const signed = type === type.toLowerCase();
        const checked = LengthBox.check(frame, 1000);
        if (signed) assertEquals(checked, FrameFault.badLength);
        else if (bytes > 1) assertEquals(checked, FrameFault.tooLong);
        else assertEquals(checked, 0);
        field.fill(0);
        assertEquals(
          LengthBox.check(frame),
          name.startsWith("packet") ? FrameFault.badLength : headerBytes,
        );
      });
    }
  }
}

Deno.test("boxClass() refuses to pack a body that its length field cannot tell", () => {
  const SmallBox = boxClass([["packetLen", "B"]]);
  assertEquals(new SmallBox({ body: new Uint8Array(254) }).pack().length, 255);
  const error = assertThrows(
    () => new SmallBox({ body: new Uint8Array(255) }).pack(),
    BoxError,
    'Cannot pack field "packetLen": it takes an unsigned 8-bit integer, got 256',
  );
  assertEquals(error.code, "value");
});

Deno.test("boxClass() checks magic where the schema has it", () => {
  const NoMagicBox = boxClass([["bodyLen", "H"]]);
  assertEquals(NoMagicBox.check(hex("0000")), 2);
  const MagicBox = boxClass([
    ["bodyLen", "H"],
    ["magic", "H", 0xcafe],
  ], { byteOrder: "<" });
  assertEquals(MagicBox.check(hex("0000 feca")), 4);
  assertEquals(MagicBox.check(hex("0000 cafe")), FrameFault.badMagic);
  assertEquals(MagicBox.check(hex("0000 fe")), 0);
  const TextMagicBox = boxClass([["magic", "2s", "MB"], ["bodyLen", "B"]]);
  assertEquals(TextMagicBox.check(utf8("MB\0")), 3);
  assertEquals(TextMagicBox.check(utf8("MX")), FrameFault.badMagic);
});

Deno.test("boxClass() gives defaults, and map() copies cmd and sn where there are any", () => {
  const SnBox = boxClass([["sn", "q", 5], ["bodyLen", "h"]]);
  const box = new SnBox({ sn: 2n ** 60n });
  assertStrictEquals(new SnBox().sn, 5);
  assertStrictEquals(box.map({ body: "b" }).sn, 2n ** 60n);
  const PlainBox = boxClass([["kind", "h", 5], ["bodyLen", "h"]]);
  assertStrictEquals(new PlainBox({ kind: 7 }).map().kind, 5);
});

Deno.test("boxClass() names the class in messages", () => {
  const ChatBox = boxClass([["bodyLen", "H"]], { name: "ChatBox" });
  assertEquals(ChatBox.name, "ChatBox");
  assertEquals(
    String(new ChatBox({ body: "x" })),
    'ChatBox { body: 1 bytes "x" }',
  );
  assertThrows(
    () => ChatBox.fromFrame(new Uint8Array(1)),
    BoxError,
    "Cannot unpack a ChatBox",
  );
});

propertyTest("boxClass() round trips random headers", (random) => {
  for (let run = 0; run < 500; run++) {
    const fields: FieldSpec[] = [];
    const values: Record<string, unknown> = {};
    for (let i = random.between(0, 10); i > 0; i--) {
      const name = `field${i}`;
      const bits = random.pick([8, 16, 32, 64]);
      const letter = { 8: "b", 16: "h", 32: "i", 64: "q" }[bits] as "b";
      if (random.next() < 0.2) {
        const bytes = random.between(1, 20);
        fields.push([name, `${bytes}s`]);
        values[name] = random.bytes(bytes);
      } else if (random.next() < 0.5) {
        fields.push([name, letter]);
        values[name] = random.signed(bits);
      } else {
        fields.push([name, letter.toUpperCase() as "B"]);
        const value = BigInt.asUintN(bits, BigInt(random.signed(bits)));
        const safe = value <= BigInt(Number.MAX_SAFE_INTEGER);
        values[name] = safe ? Number(value) : value;
      }
    }
    const length = random.pick(["packetLen", "body_len"]);
    fields.splice(random.between(0, fields.length), 0, [length, "I"]);
    const RandomBox = boxClass(fields, { byteOrder: random.pick(["!", "<"]) });
    const body = random.bytes(random.between(0, 100));
    const frame = new RandomBox({ ...values, body } as object).pack();
    assertEquals(
      RandomBox.check(joined([frame, random.bytes(5)])),
      frame.length,
    );
    const again = RandomBox.fromFrame(frame);
    const lengthValue = frame.length -
      (length === "packetLen" ? 0 : RandomBox.headerBytes);
    assertEquals<unknown>({ ...again }, { ...values, [length]: lengthValue });
    assertEquals(again.body, body);
  }
});
