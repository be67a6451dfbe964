import { assertEquals } from "@std/assert";
import { jsonMistake, linesOfNames } from "../../gateway/json_lines.ts";

Deno.test("linesOfNames() finds the names of the object itself", () => {
  const text = `{ "a": 1,
  "b": "x\\"{:\\n",
  "c": {
    "a": [ { "b": 2 } ],
    "d": 5
  },

  "e\\u0066"
    : [1, "g", {}], "h": "i" , "a": 2
}
`;
  JSON.parse(text);
  assertEquals(Object.fromEntries(linesOfNames(text)), {
    a: [1, 9],
    b: [2],
    c: [3],
    ef: [8],
    h: [9],
  });
});

Deno.test("linesOfNames() knows lines that end as on Windows", () => {
  assertEquals(
    Object.fromEntries(linesOfNames('{\r\n"a": 1,\r\n"b": 2\r\n}')),
    { a: [2], b: [3] },
  );
});

const MISTAKES: readonly [string, number][] = [
  ['{\n"a": 1,\n"b" 2}', 3],
  ['{\n"a": nope,\n"b": 2}', 2],
  ['{\n"a": 1,\n"b": 2', 3],
  ['{\n"a": 1,\n"b": 2,\n}\n', 4],
  ['{\n"a": 1\n"b": 2\n}\n', 3],
  ['{\n"a": 1,\n\n', 2],
  ['{\n"a": "x\n"}', 2],
  ['{\n"a": 1\n}\n}\n', 4],
  ["{\n'a': 1\n}", 2],
  ['{\n  // A remark.\n  "a": 1\n}', 2],
  [`{\n${'"a": 1,\n'.repeat(20)}"b": ?\n}`, 22],
];

for (const [text, line] of MISTAKES) {
  Deno.test(`jsonMistake() tells line ${line} of ${JSON.stringify(text.slice(0, 30))}`, () => {
    try {
      JSON.parse(text);
    } catch (error) {
      const mistake = jsonMistake(text, error as Error);
      assertEquals(mistake.line, line, (error as Error).message);
      assertEquals(
        /in JSON|position|column/.test(mistake.what),
        false,
        mistake.what,
      );
      return;
    }
    throw new Error("it is JSON");
  });
}
