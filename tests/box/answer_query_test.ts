// Answers to questions, of whoever holds connections.

import { assertEquals } from "@std/assert";
import type { Int64 } from "@maple/box";
import {
  answerQuery,
  type GroupsAsked,
  SessionTable,
  type TableSession,
} from "@maple/box/internal";

const ASK = { uids: [], members: true, after: 0, limit: 4 };

/** Groups of five users each, which note how often their members are looked for. */
function groupsOfFive(): GroupsAsked & { walks: number } {
  return {
    walks: 0,
    size: (name) => name === "none" ? 0 : 5,
    uids(_, after, limit): readonly Int64[] {
      this.walks++;
      return [1, 2, 3, 4, 5].filter((uid) => uid > after).slice(0, limit);
    },
  };
}

Deno.test("answerQuery() goes through a group once, however often it is asked for", () => {
  const groups = groupsOfFive();
  const sessions = new SessionTable<TableSession>();
  const names = Array.from({ length: 10_000 }, (_, i) => i % 2 ? "a" : "none");
  const asked = { sessions, groups, uidsMax: 10 };
  const answer = answerQuery({ ...ASK, names }, asked).groups!;
  assertEquals(groups.walks, 1);
  assertEquals(answer.length, 10_000);
  assertEquals(
    answer.slice(0, 9).map(({ name, size, uids }) => [
      ...[name, size, ...uids],
    ]),
    [
      ["none", 0],
      ["a", 5, 1, 2, 3, 4],
      ["none", 0],
      ["a", 5, 1, 2, 3, 4],
      ["none", 0],
      // Ten are told in all.
      ["a", 5, 1, 2],
      ["none", 0],
      ["a", 5],
      ["none", 0],
    ],
  );
});

Deno.test("answerQuery() looks for no members when none are told any more, or asked for", () => {
  const groups = groupsOfFive();
  const sessions = new SessionTable<TableSession>();
  const names = Array.from({ length: 100 }, (_, i) => `group ${i}`);
  const asked = { sessions, groups, uidsMax: 8 };
  answerQuery({ ...ASK, names }, asked);
  assertEquals(groups.walks, 2);
  answerQuery({ ...ASK, names, members: false }, asked);
  assertEquals(groups.walks, 2);
});
