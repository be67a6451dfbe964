import { assertEquals, assertInstanceOf, assertThrows } from "@std/assert";
import { BoxError, type BoxInit, FrameFault, LineBox } from "@maple/box";
import { propertyTest } from "../helpers/random.ts";
import { joined, utf8 } from "./support.ts";

Deno.test("LineBox.pack() ends the body with a newline", () => {
  assertEquals(new LineBox({ body: "hello" }).pack(), utf8("hello\n"));
  assertEquals(new LineBox().pack(), utf8("\n"));
  assertEquals(new LineBox({ body: { a: 1 } }).pack(), utf8('{"a":1}\n'));
});

Deno.test("LineBox.packInto() writes what pack() gives where there is room for it", () => {
  const box = new LineBox({ body: "hi" });
  const buffer = utf8("......");
  assertEquals(box.packInto(buffer, 2), 3);
  assertEquals(buffer, utf8("..hi\n."));
  assertEquals(box.packInto(buffer, 4), 0);
  assertEquals(buffer, utf8("..hi\n."));
  assertThrows(
    () => new LineBox({ body: "a\nb" }).packInto(buffer),
    BoxError,
    "Cannot pack a LineBox",
  );
});

Deno.test("LineBox takes a body with its line end or without", () => {
  for (const body of ["hi", "hi\n", "hi\r\n"]) {
    assertEquals(new LineBox({ body }).text(), "hi");
    assertEquals(new LineBox({ body: utf8(body) }).pack(), utf8("hi\n"));
  }
  for (const body of ["\n", "\r\n", ""]) {
    assertEquals(new LineBox({ body }).body.length, 0);
  }
  assertEquals(new LineBox({ body: "a\r" }).text(), "a\r");
  const box = new LineBox();
  box.body = utf8("set\n");
  assertEquals(box.text(), "set");
});

Deno.test("LineBox.pack() refuses a newline inside the body", () => {
  for (const body of ["a\nb", "\na", "a\n\n"]) {
    const error = assertThrows(
      () => new LineBox({ body }).pack(),
      BoxError,
      "Cannot pack a LineBox: a newline stands inside",
    );
    assertEquals(error.code, "value");
  }
});

Deno.test("LineBox.unpack() takes the first line, ended by \\n or \\r\\n", () => {
  for (
    const [bytes, used, text] of [
      ["one\ntwo\n", 4, "one"],
      ["one\r\ntwo\r\n", 5, "one"],
      ["\n", 1, ""],
      ["\r\n", 2, ""],
      ["a\rb\n", 4, "a\rb"],
      ["a\r\r\n", 4, "a\r"],
      ["\n\n", 1, ""],
      ["grüße\n", 8, "grüße"],
    ] as const
  ) {
    const box = new LineBox();
    assertEquals(box.unpack(utf8(bytes)), used);
    assertEquals(box.text(), text);
    assertEquals(LineBox.check(utf8(bytes)), used);
  }
});

Deno.test("LineBox.unpack() changes nothing while the line has no end", () => {
  const box = new LineBox({ body: "kept" });
  assertEquals(box.unpack(utf8("half a line")), 0);
  assertEquals(box.unpack(utf8("\r")), 0);
  assertEquals(box.unpack(new Uint8Array(0)), 0);
  assertEquals(box.text(), "kept");
});

Deno.test("LineBox.check() knows the limit", () => {
  assertEquals(LineBox.check(utf8("123\n"), 4), 4);
  assertEquals(LineBox.check(utf8("1234\n"), 4), FrameFault.tooLong);
  assertEquals(LineBox.check(utf8("123"), 4), 0);
  assertEquals(LineBox.check(utf8("1234"), 4), FrameFault.tooLong);
});

Deno.test("LineBox.fromFrame() takes exactly one line", () => {
  assertEquals(LineBox.fromFrame(utf8("hi\r\n")).text(), "hi");
  for (const bytes of ["", "no end", "one\ntwo\n", "one\ntwo"]) {
    const error = assertThrows(
      () => LineBox.fromFrame(utf8(bytes)),
      BoxError,
      "Cannot unpack a LineBox",
    );
    assertEquals(error.code, "frame");
  }
});

Deno.test("LineBox.map() makes a line, json() reads one", () => {
  const reply = LineBox.fromFrame(utf8("[1]\n")).map({ body: [2] });
  assertInstanceOf(reply, LineBox);
  assertEquals(reply.json<number[]>(), [2]);
  assertThrows(() => new LineBox({ body: "x" }).json(), BoxError);
});

Deno.test("LineBox has no fields", () => {
  assertEquals([...LineBox.fieldNames], []);
  assertEquals(LineBox.headerBytes, 1);
  assertEquals(LineBox.name, "LineBox");
  const init = { cmd: 1 } as BoxInit<Record<never, never>>;
  const error = assertThrows(() => new LineBox(init), BoxError, '"cmd"');
  assertEquals(error.code, "schema");
});

Deno.test("LineBox shows itself in one readable line", () => {
  const box = new LineBox({ body: 'say "hi"' });
  assertEquals(String(box), 'LineBox { body: 8 bytes "say \\"hi\\"" }');
  assertEquals(Deno.inspect(box), String(box));
});

propertyTest(
  "LineBox.frameLength() finds the end from wherever it looked before",
  (random) => {
    for (let run = 0; run < 20_000; run++) {
      const line = joined([
        random.bytes(random.between(0, 30)).map((byte) =>
          byte === 10 ? 11 : byte
        ),
        utf8("\n"),
      ]);
      const before = random.bytes(random.between(0, 5));
      const bytes = joined([before, line, random.bytes(5)]);
      const start = before.length;
      const end = start + line.length;
      const seen = random.between(0, line.length - 1);
      assertEquals(LineBox.frameLength(bytes, start, end, seen), line.length);
      assertEquals(LineBox.frameLength(bytes, start, end - 1, seen), 0);
    }
  },
);
