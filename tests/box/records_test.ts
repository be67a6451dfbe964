import { assertEquals, assertThrows } from "@std/assert";
import { BoxError } from "@maple/box";
import {
  type Layout,
  layoutOf,
  left,
  RecordReader,
  type RecordValues,
  RecordWriter,
  takeFields,
} from "@maple/box/internal";

const LAYOUTS: Record<string, Layout> = {
  first: [
    ["flag", "flag"],
    ["int", "int"],
    ["number", "number"],
    ["time", "time"],
    ["int64", "int64"],
    ["text", "text"],
    ["bytes", "bytes"],
    ["json", "json"],
  ],
  second: [["text", "text"]],
};
const VALUES = {
  flag: true,
  int: 2 ** 53 - 1,
  number: -1.5,
  time: 100,
  int64: 2n ** 63n - 1n,
  text: "grüße",
  bytes: new Uint8Array([1, 2, 3]),
  json: { a: [1, null] },
};

function written(...records: [kind: string, values: RecordValues][]) {
  const writer = new RecordWriter(LAYOUTS);
  for (const [kind, values] of records) writer.write(kind, values);
  return writer.bytes;
}

Deno.test("records are read as they were written, whole and byte by byte", () => {
  const long = { text: "x".repeat(300_000) };
  const bytes = written(
    ["first", VALUES],
    ["second", { text: "" }],
    ["second", long],
    ["first", { ...VALUES, flag: false, int: 0, int64: -5, json: undefined }],
  );
  for (const step of [1, 7, 100_000, Infinity]) {
    const reader = new RecordReader(LAYOUTS, 10);
    const got: unknown[] = [];
    for (let at = 0; at < bytes.length; at += step) {
      reader.push(bytes.subarray(at, at + step));
      for (let record; (record = reader.next());) {
        const { bytes } = record.values;
        // Valid until the next push.
        if (bytes) record.values["bytes"] = (bytes as Uint8Array).slice();
        got.push([record.kind, record.values]);
      }
    }
    assertEquals(reader.isEmpty, true);
    assertEquals(got, [
      ["first", { ...VALUES, time: 110 }],
      ["second", { text: "" }],
      ["second", long],
      ["first", {
        ...{ ...VALUES, time: 110, flag: false, int: 0, int64: -5 },
        json: undefined,
      }],
    ]);
  }
});

Deno.test("fields that a class does not give come from what is given beside it", () => {
  class Given {
    text = "own";
    get int() {
      return 7;
    }
  }
  const layouts = {
    kind: [["text", "text"], ["int", "int"]] satisfies Layout,
  };
  const writer = new RecordWriter(layouts);
  writer.write("kind", new Given(), { text: "beside" });
  const reader = new RecordReader(layouts);
  reader.push(writer.bytes);
  assertEquals(reader.next()?.values, { text: "beside", int: 7 });
  writer.clear();
  assertEquals(writer.length, 0);
});

Deno.test("what is no whole number cannot be written as one", () => {
  for (const int of [-1, 0.5, NaN, 2 ** 53]) {
    assertThrows(
      () => written(["first", { ...VALUES, int }]),
      BoxError,
      `Cannot write ${int} as a whole number`,
    );
  }
});

Deno.test("bytes that are no records are told as such", () => {
  const good = written(["second", { text: "abc" }]);
  const read = (...bytes: number[]) => {
    const reader = new RecordReader(LAYOUTS);
    reader.push(new Uint8Array(bytes));
    return reader.next();
  };
  assertEquals(read(...good)?.values, { text: "abc" });
  assertEquals(read(...good.subarray(0, 5)), undefined);
  assertThrows(() => read(9, 0, 0, 0, 0), BoxError, "there is no kind 9");
  const longer = [...good];
  longer[1]!++;
  assertThrows(() => read(...longer, 0), BoxError, "longer than its fields");
  const shorter = [...good];
  shorter[1]!--;
  assertThrows(() => read(...shorter), BoxError, "shorter than its fields");
  const unended = [1, 9, 0, 0, 0, ...Array(9).fill(255)];
  assertThrows(() => read(...unended), BoxError, "too long");
});

Deno.test("takeFields() gives back what goes along, and nothing else", () => {
  class Taken {
    a = 0;
    b = "";
    c = 0;
    d = 1;
    method() {}
  }
  const plan = {
    a: "int",
    b: "text",
    c: left("it follows"),
    d: "int",
  } as const;
  assertEquals(layoutOf<Taken>(plan, { e: "flag" }), [
    ["a", "int"],
    ["b", "text"],
    ["d", "int"],
    ["e", "flag"],
  ]);
  const taken = new Taken();
  takeFields(taken, plan, { a: 5, b: "x", c: 9, e: true }, ["b"]);
  // An older writer has not known d.
  assertEquals({ ...taken }, { a: 5, b: "", c: 0, d: 1 });
});
