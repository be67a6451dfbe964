import { assertEquals } from "@std/assert";
import { nearest } from "@maple/box/internal";

Deno.test("nearest() finds the word that was meant", () => {
  const words = ["outerPort", "outerHost", "io", "order"];
  for (
    const [word, expected] of [
      ["outerProt", "outerPort"],
      ["outerport", "outerPort"],
      ["outrHost", "outerHost"],
      ["outerPorts", "outerPort"],
      ["ouetrPrt", "outerPort"],
      ["ordr", "order"],
      ["odrer", "order"],
      ["it", undefined],
      ["", undefined],
      ["somethingElse", undefined],
      ["innerPort", undefined],
    ] as const
  ) {
    assertEquals([word, nearest(word, words)], [word, expected]);
  }
});
