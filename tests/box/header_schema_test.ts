import { assertEquals, assertThrows } from "@std/assert";
import { boxClass, BoxError, type HeaderSchema } from "@maple/box";

for (
  const [what, schema, message] of [
    ["no length", [["cmd", "i"]], "exactly one integer field"],
    ["two lengths", [["bodyLen", "i"], ["packet_len", "i"]], "exactly one"],
    ["a raw length", [["bodyLen", "4s"]], "exactly one integer field"],
    ["no field", [], "exactly one integer field"],
    [
      "a name twice",
      [["bodyLen", "i"], ["a", "b"], ["a", "b"]],
      '"a" stands twice',
    ],
    ["a type it does not know", [["bodyLen", "f"]], 'has type "f"; known are'],
    ["an empty type", [["bodyLen", ""]], "known are"],
    [
      "a type that is a name of JavaScript",
      [["a", "constructor"]],
      "known are",
    ],
    ["raw bytes of no length", [["a", "0s"], ["bodyLen", "i"]], "known are"],
    [
      "raw bytes of a wrong length",
      [["a", "-1s"], ["bodyLen", "i"]],
      "known are",
    ],
    [
      "a name that boxes use",
      [["bodyLen", "i"], ["body", "i"]],
      '"body" is not free',
    ],
    [
      "a name that objects use",
      [["bodyLen", "i"], ["toString", "i"]],
      "not free",
    ],
    [
      "another name that objects use",
      [["bodyLen", "i"], ["valueOf", "i"]],
      "not free",
    ],
    [
      "a default out of range",
      [["bodyLen", "i"], ["a", "b", 128]],
      'default of "a"',
    ],
    [
      "a default that is no integer",
      [["bodyLen", "i"], ["a", "q", 0.5]],
      "default",
    ],
    [
      "a default that is too long",
      [["bodyLen", "i"], ["a", "2s", "abc"]],
      "default",
    ],
    [
      "a default of a wrong kind",
      [["bodyLen", "i"], ["a", "2s", 5]],
      "default",
    ],
  ] as [string, HeaderSchema, string][]
) {
  Deno.test(`boxClass() refuses ${what}`, () => {
    const error = assertThrows(() => boxClass(schema), BoxError, message);
    assertEquals(error.code, "schema");
  });
}

Deno.test("boxClass() refuses a byte order that it does not know", () => {
  const byteOrder = ">" as "<";
  assertThrows(
    () => boxClass([["bodyLen", "i"]], { byteOrder }),
    BoxError,
    'byte order must be "!" or "<", got ">"',
  );
});
