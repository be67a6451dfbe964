// describeError(): what helps to find a fault, and nothing of a body.

import { assert, assertEquals, assertMatch } from "@std/assert";
import { Box, LineBox } from "@maple/box";
import { describeError, messageOf } from "@maple/box/internal";

const SECRET = "swordfish";

function thrownBy(work: () => unknown): unknown {
  try {
    work();
  } catch (error) {
    return error;
  }
  throw new Error("nothing was thrown");
}

Deno.test("describeError() tells the stack and those of the causes", () => {
  const inner = new RangeError("the reason");
  const text = describeError(new Error("the fault", { cause: inner }));
  assertMatch(text, /^Error: the fault\n\s+at .*describe_error_test\.ts:\d+/);
  assertMatch(text, /\nCaused by: RangeError: the reason\n\s+at /);
  const several = describeError(new AggregateError([inner, "text"], "two"));
  assertMatch(
    several,
    /^AggregateError: two[^]*\nOne of: RangeError: the reason/,
  );
  assertMatch(several, /\nOne of: text$/);
});

Deno.test("describeError() comes to an end where an error is its own cause", () => {
  const error = new Error("round");
  error.cause = error;
  assertEquals(describeError(error).split("Error: round").length, 10);
});

Deno.test("describeError() tells what was thrown and is no error", () => {
  assertEquals(describeError("text"), "text");
  assertEquals(describeError(undefined), "undefined");
  assertEquals(describeError(null), "null");
  assertEquals(describeError(Symbol("s")), "Symbol(s)");
  assertEquals(describeError({ secret: SECRET }), "a thrown Object");
  assertEquals(describeError(Object.create(null)), "a thrown object");
  assertEquals(describeError(new Box({ body: SECRET })), "a thrown Box");
});

const LEAKS: [string, () => unknown][] = [
  ["JSON.parse()", () => JSON.parse(SECRET)],
  [
    "JSON.parse() of a longer text",
    () =>
      JSON.parse(
        `{"user": "somebody", "password": ${SECRET}, "more": 12345678}`,
      ),
  ],
  ["JSON.parse() of a text with quotes", () => JSON.parse(`"a" "${SECRET}"`)],
  ["Box.json()", () => new Box({ body: SECRET }).json()],
  [
    "LineBox.fromFrame()",
    () => LineBox.fromFrame(new TextEncoder().encode(SECRET)),
  ],
  [
    "LineBox.pack()",
    () => new LineBox({ body: `${SECRET}\n${SECRET}` }).pack(),
  ],
  ["an error with a box in it", () => {
    const box = new Box({ body: SECRET });
    throw Object.assign(new Error("no", { cause: box }), { box });
  }],
];

for (const [what, work] of LEAKS) {
  Deno.test(`describeError() tells no body: ${what}`, () => {
    const text = describeError(thrownBy(work));
    assertMatch(text, /Error: /);
    assert(!text.includes(SECRET) && !text.includes("swordfi"), text);
  });
}

Deno.test("describeError() still says that JSON was none", () => {
  assertMatch(
    describeError(thrownBy(() => JSON.parse(SECRET))),
    /^SyntaxError: the text is not valid JSON\n/,
  );
});

Deno.test("messageOf() tells the message, or what was thrown", () => {
  assertEquals(messageOf(new Error("m")), "m");
  assertEquals(messageOf(5), "5");
});
