import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import {
  Box,
  BoxError,
  type BoxErrorCode,
  type BoxInit,
  FrameFault,
  FrameReader,
  MAGIC,
} from "@maple/box";
import { propertyTest } from "../helpers/random.ts";
import { hex, joined, toHex, utf8 } from "./support.ts";

function assertFails(
  fn: () => unknown,
  code: BoxErrorCode,
  message: string,
): void {
  assertEquals(assertThrows(fn, BoxError, message).code, code);
}

Deno.test("Box.pack() writes the header's bytes in network order", () => {
  const box = new Box({
    magic: 0x01020304,
    version: 0x0506,
    flag: 0x0708,
    cmd: 0x090a0b0c,
    ret: -2,
    sn: 0x0d0e0f10,
    body: "hi",
  });
  assertEquals(
    toHex(box.pack()),
    "01020304" + "0506" + "0708" + "0000001a" + "090a0b0c" + "fffffffe" +
      "0d0e0f10" + "6869",
  );
});

Deno.test("Box has the defaults of the wire", () => {
  const box = new Box();
  assertEquals(MAGIC, 0x7978aecf);
  assertEquals(
    toHex(box.pack()),
    "7978aecf" + "00000000" + "00000018" + "00".repeat(12),
  );
  assertEquals(Box.headerBytes, 24);
  assertEquals([...Box.fieldNames], [
    "magic",
    "version",
    "flag",
    "packetLen",
    "cmd",
    "ret",
    "sn",
  ]);
  assertEquals(Box.name, "Box");
});

Deno.test("Box.pack() sets packetLen, whatever it was", () => {
  const box = new Box({ packetLen: 1, body: "12345" });
  assertEquals(toHex(box.pack().subarray(8, 12)), "0000001d");
  assertEquals(box.packetLen, 29);
});

Deno.test("Box.packInto() writes what pack() gives, anywhere in a buffer", () => {
  const box = new Box({ cmd: 5, ret: -1, sn: 2 ** 31 - 1, body: "hello" });
  const frame = box.pack();
  for (const at of [0, 1, 13]) {
    const buffer = new Uint8Array(at + frame.length + 2).fill(0xee);
    assertEquals(box.packInto(buffer, at), frame.length);
    assertEquals(buffer.subarray(at, at + frame.length), frame);
    assert(buffer.subarray(0, at).every((byte) => byte === 0xee));
    assert(buffer.subarray(-2).every((byte) => byte === 0xee));
  }
});

Deno.test("Box.packInto() writes nothing where there is no room", () => {
  const box = new Box({ cmd: 5, body: "hello" });
  const { length } = box.pack();
  assertEquals(box.packInto(new Uint8Array(length)), length);
  for (const [bytes, at] of [[length - 1, 0], [length, 1], [0, 0]] as const) {
    const buffer = new Uint8Array(bytes);
    assertEquals(box.packInto(buffer, at), 0);
    assert(buffer.every((byte) => byte === 0));
  }
});

Deno.test("Box.packInto() refuses what pack() refuses", () => {
  const box = new Box({ cmd: 2 ** 31 });
  assertFails(
    () => box.packInto(new Uint8Array(100)),
    "value",
    'Cannot pack field "cmd": ',
  );
});

Deno.test("Box.unpack() reads every field and uses one frame", () => {
  const frame = hex(
    "7978aecf 8000 7fff 0000001b 80000000 7fffffff ffffffff 616263",
  );
  const box = new Box({ body: "before" });
  assertEquals(box.unpack(joined([frame, utf8("rest")])), 27);
  assertEquals(
    [
      box.magic,
      box.version,
      box.flag,
      box.packetLen,
      box.cmd,
      box.ret,
      box.sn,
      box.text(),
    ],
    [MAGIC, -32768, 32767, 27, -(2 ** 31), 2 ** 31 - 1, -1, "abc"],
  );
  assertEquals(box.pack(), frame);
});

Deno.test("Box.unpack() reads a frame in the middle of a buffer", () => {
  const frame = new Box({ cmd: 77, body: "x" }).pack();
  const bytes = joined([utf8("junk"), frame, utf8("junk")]);
  const box = new Box();
  assertEquals(box.unpack(bytes.subarray(4)), 25);
  assertEquals([box.cmd, box.text()], [77, "x"]);
});

Deno.test("Box.unpack() changes nothing when there is no whole frame", () => {
  const box = new Box({ cmd: 5, sn: 6, body: "kept" });
  assertEquals(
    box.unpack(new Box({ cmd: 9, body: "new" }).pack().slice(0, -1)),
    0,
  );
  assertEquals(box.unpack(utf8("garbage")), FrameFault.badMagic);
  assertEquals([box.cmd, box.sn, box.text()], [5, 6, "kept"]);
});

Deno.test("Box.check() tells used, wanting and broken bytes apart", () => {
  const frame = new Box({ body: "abc" }).pack();
  assertEquals(Box.check(frame), 27);
  assertEquals(Box.check(joined([frame, frame])), 27);
  for (let cut = 0; cut < frame.length; cut++) {
    assertEquals(Box.check(frame.subarray(0, cut)), 0);
  }
  assertEquals(Box.check(hex("7978aece")), FrameFault.badMagic);
  const header = (length: string) =>
    hex(`7978aecf 00000000 ${length} 00000000 00000000 00000000`);
  assertEquals(Box.check(header("00000000")), FrameFault.badLength);
  assertEquals(Box.check(header("00000017")), FrameFault.badLength);
  assertEquals(Box.check(header("ffffffff")), FrameFault.badLength);
  assertEquals(Box.check(header("00000018")), 24);
  assertEquals(Box.check(header("01000000")), 0);
  assertEquals(Box.check(header("01000001")), FrameFault.tooLong);
  assertEquals(Box.check(header("7fffffff")), FrameFault.tooLong);
  assertEquals(Box.check(frame, 27), 27);
  assertEquals(Box.check(frame, 26), FrameFault.tooLong);
  assertEquals(Box.check(frame.subarray(0, 23), 23), FrameFault.tooLong);
  assertEquals(Box.check(new Uint8Array(0), 1), 0);
});

Deno.test("Box.fromFrame() takes exactly one frame", () => {
  const frame = new Box({ cmd: 1, body: "abc" }).pack();
  const box = Box.fromFrame(frame);
  assertInstanceOf(box, Box);
  assertEquals(box.cmd, 1);
  assertStrictEquals(box.body.buffer, frame.buffer, "the body is a view");
  for (
    const bytes of [
      new Uint8Array(0),
      frame.subarray(0, 23),
      frame.subarray(0, -1),
      joined([frame, utf8("x")]),
      utf8("x".repeat(30)),
    ]
  ) {
    assertFails(
      () => Box.fromFrame(bytes),
      "frame",
      `Cannot unpack a Box: ${bytes.length} bytes are not one whole frame`,
    );
  }
});

Deno.test("Box.map() makes a reply of the same class with cmd and sn", () => {
  const request = new Box({
    version: 3,
    flag: 4,
    cmd: 5,
    ret: 6,
    sn: 7,
    body: "?",
  });
  const reply = request.map({ ret: -1, body: { ok: true } });
  assertInstanceOf(reply, Box);
  assertEquals(
    [reply.version, reply.flag, reply.cmd, reply.ret, reply.sn, reply.text()],
    [0, 0, 5, -1, 7, '{"ok":true}'],
  );
  const other = request.map({ cmd: 0, sn: 8 });
  assertEquals([other.cmd, other.sn, other.body.length], [0, 8, 0]);
  assertEquals(request.map().cmd, 5);
});

Deno.test("Box takes a body as bytes, text, JSON or nothing", () => {
  const bytes = Uint8Array.of(0, 255);
  assertEquals(new Box({ body: bytes }).body, bytes);
  for (
    const [body, text] of [
      ["", ""],
      ["grüße 🍁", "grüße 🍁"],
      [{ a: [1, null] }, '{"a":[1,null]}'],
      [[1, 2], "[1,2]"],
      [17, "17"],
      [false, "false"],
      [null, ""],
      [undefined, ""],
      [new Date(0), '"1970-01-01T00:00:00.000Z"'],
    ] as const
  ) {
    const init: BoxInit<{ cmd: number }> = { body };
    assertEquals(new Box(init).text(), text);
  }
});

Deno.test("Box.json() and text() read the body", () => {
  const box = new Box({ body: '{"name":"maple"}' });
  assertEquals(box.json<{ name: string }>().name, "maple");
  assertFails(
    () => new Box({ body: "not json" }).json(),
    "body",
    "Cannot read the body as JSON: its 8 bytes are none",
  );
  assertFails(
    () => new Box().json(),
    "body",
    "Cannot read the body as JSON: it is empty",
  );
  assertEquals(new Box({ body: Uint8Array.of(104, 0xff) }).text(), "h\ufffd");
});

Deno.test("Box refuses a body that JSON cannot say", () => {
  const cycle: { self?: unknown } = {};
  cycle.self = cycle;
  for (const body of [{ big: 1n }, cycle, () => {}]) {
    assertFails(
      () => new Box({ body }),
      "value",
      "Cannot send the body as JSON",
    );
  }
});

Deno.test("Box.body takes what is set", () => {
  const box = new Box({ body: "old" });
  box.body = utf8("new");
  assertEquals(Box.fromFrame(box.pack()).text(), "new");
});

Deno.test("Box refuses fields that its header does not have", () => {
  const init = JSON.parse('{ "cmd": 1, "command": 2 }');
  assertFails(
    () => new Box(init),
    "schema",
    'it has no field "command"; known are magic, version, flag, packetLen, cmd, ret, sn and body',
  );
  assertFails(() => new Box().map(init), "schema", '"command"');
});

Deno.test("Box ignores fields that are undefined", () => {
  const init = { cmd: undefined } as unknown as BoxInit<{ cmd: number }>;
  assertEquals(new Box(init).cmd, 0);
  assertEquals(new Box({ cmd: 4 }).map(init).cmd, 4);
});

Deno.test("Box can be made from another box", () => {
  const copy = new Box(new Box({ cmd: 1, sn: 2, body: "body" }));
  assertEquals([copy.cmd, copy.sn, copy.text()], [1, 2, "body"]);
});

Deno.test("Box.pack() refuses values that do not fit their field", () => {
  for (
    const [field, value, message] of [
      ["cmd", 2 ** 31, "a signed 32-bit integer, got 2147483648"],
      ["cmd", -(2 ** 31) - 1, "a signed 32-bit integer"],
      ["flag", 32768, "a signed 16-bit integer, got 32768"],
      ["ret", 1.5, "got 1.5"],
      ["sn", NaN, "got NaN"],
      ["sn", "7", "got 7"],
      ["sn", 7n, "got 7"],
      ["magic", undefined, "got undefined"],
    ] as const
  ) {
    const box = new Box();
    Object.assign(box, { [field]: value });
    assertFails(() => box.pack(), "value", `Cannot pack field "${field}": `);
    assertFails(() => box.pack(), "value", message);
  }
});

Deno.test("Box shows itself in one readable line", () => {
  const box = new Box({ cmd: 1, sn: 7, body: "hello" });
  const line = 'Box { cmd: 1, sn: 7, body: 5 bytes "hello" }';
  assertEquals(String(box), line);
  assertEquals(Deno.inspect(box), line);
  assertEquals(Deno.inspect(Box.fromFrame(box.pack())), line);
  assertEquals(String(new Box()), "Box { body: 0 bytes }");
  const long = String(new Box({ body: "line\n".repeat(20) }));
  assert(long.startsWith('Box { body: 100 bytes "line\\nline'), long);
  assert(long.endsWith('"... }'), long);
});

Deno.test("Box keeps the bytes of one box apart from those of another", () => {
  const one = new Box();
  const two = new Box();
  one.body = utf8("one");
  assertEquals(two.body.length, 0);
  assert(one.pack().buffer !== one.pack().buffer);
});

propertyTest("Box round trips whatever it holds", (random) => {
  for (let run = 0; run < 5000; run++) {
    const box = new Box({
      magic: MAGIC,
      version: Number(random.signed(16)),
      flag: Number(random.signed(16)),
      cmd: Number(random.signed(32)),
      ret: Number(random.signed(32)),
      sn: Number(random.signed(32)),
      body: random.bytes(random.pick([0, 1, 100, 3000])),
    });
    const reader = new FrameReader(Box);
    for (const piece of random.cut(box.pack())) reader.push(piece);
    const again = Box.fromFrame(reader.next()!);
    assertEquals({ ...again }, { ...box });
    assertEquals(again.body, box.body);
    assertEquals(again.pack(), box.pack());
  }
});

propertyTest(
  "Box.check() never says that noise is a frame, nor throws",
  (random) => {
    for (let run = 0; run < 100_000; run++) {
      const bytes = random.bytes(random.between(0, 40));
      // The odds that four random bytes are the magic number are 1 to 4 billion.
      const expected = bytes.length < 4 ? 0 : FrameFault.badMagic;
      assertStrictEquals(Box.check(bytes), expected);
    }
  },
);
