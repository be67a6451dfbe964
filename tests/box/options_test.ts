// The grammar of options: ranges of numbers, words, names of before.

import { assertEquals, assertThrows } from "@std/assert";
import { BoxError } from "@maple/box";
import {
  checkChoice,
  checkNumber,
  checkNumbers,
  COUNT,
  MAX_TIMER_SECONDS,
  onAbort,
  PEER_PORT,
  PORT,
  refuseRenamed,
  SECONDS,
} from "@maple/box/internal";

const fail = (message: string) => new BoxError("option", message);

function assertFails(check: () => void, message: string): void {
  const error = assertThrows(check, BoxError);
  assertEquals(error.message, message);
}

Deno.test("checkNumber() takes what is in the range, its ends included", () => {
  for (const port of [0, 80, 65535]) checkNumber("Port", port, PORT, fail);
  for (const time of [0, 0.5, MAX_TIMER_SECONDS]) {
    checkNumber("Time", time, SECONDS, fail);
  }
});

Deno.test("checkNumber() says what was wrong and what was expected", () => {
  for (const value of [-1, 65536, 1.5, NaN, Infinity, null, undefined]) {
    assertFails(
      () => checkNumber("Option port", value, PORT, fail),
      `Option port must be a whole number from 0 to 65535, got ${value}`,
    );
  }
  assertFails(
    () => checkNumber("Option port", "80", PORT, fail),
    'Option port must be a whole number from 0 to 65535, got "80" (a string)',
  );
  assertFails(
    () => checkNumber("Option timeout", MAX_TIMER_SECONDS + 1, SECONDS, fail),
    "Option timeout must be a number from 0 to 2147483, got 2147484",
  );
});

Deno.test("checkNumbers() names the option that does not fit", () => {
  const ranges = { port: PEER_PORT, connsMax: COUNT };
  checkNumbers({ port: 1, connsMax: 1 }, ranges, fail);
  assertFails(
    () => checkNumbers({ port: 1, connsMax: 0 }, ranges, fail),
    "Option connsMax must be a whole number from 1 to 2147483647, got 0",
  );
});

Deno.test("checkNumbers() takes what is undefined as left out, and nothing else", () => {
  const ranges = { port: PEER_PORT, connsMax: COUNT };
  checkNumbers({ port: undefined, connsMax: 1 }, ranges, fail);
  for (const port of [null, "", NaN]) {
    assertThrows(
      () => checkNumbers({ port, connsMax: 1 }, ranges, fail),
      BoxError,
      "Option port must be",
    );
  }
});

Deno.test("checkChoice() tells the words that it takes", () => {
  checkChoice("order", "none", ["client", "none"], fail);
  assertFails(
    () => checkChoice("order", "any", ["client", "none"], fail),
    'Option order must be "client" or "none", got "any"',
  );
});

Deno.test("refuseRenamed() names the option of now, and passes over what is not given", () => {
  const renamed = { maxQueueBytes: "queueBytes" };
  refuseRenamed({ queueBytes: 1, maxQueueBytes: undefined }, renamed, fail);
  assertFails(
    () => refuseRenamed({ maxQueueBytes: 1 }, renamed, fail),
    "Option maxQueueBytes is called queueBytes now",
  );
});

Deno.test("onAbort() acts once, at once when it is too late, and not when taken back", () => {
  const acts: string[] = [];
  const control = new AbortController();
  using _ = onAbort(control.signal, () => acts.push("kept"));
  onAbort(control.signal, () => acts.push("taken back"))[Symbol.dispose]();
  onAbort(undefined, () => acts.push("no signal"))[Symbol.dispose]();
  assertEquals(acts, []);
  control.abort();
  control.abort();
  assertEquals(acts, ["kept"]);
  using _late = onAbort(control.signal, () => acts.push("late"));
  assertEquals(acts, ["kept", "late"]);
});
