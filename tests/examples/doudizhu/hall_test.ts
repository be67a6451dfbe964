// The hall: who gets a table together.

import { assertEquals, assertStrictEquals } from "@std/assert";
import {
  EMPTY_HALL,
  fill,
  fillDue,
  type Hall,
  join,
  quit,
} from "../../../examples/doudizhu/hall.ts";

const player = (uid: number, since = uid) => ({
  ...{ uid, name: `user ${uid}`, since },
});

function hallOf(...uids: number[]): Hall {
  return uids.reduce((hall, uid) => join(hall, player(uid)).hall, EMPTY_HALL);
}

Deno.test("join(): three get a table, in the order in which they came", () => {
  const two = hallOf(1, 2);
  assertEquals(two.waiting.map(({ uid }) => uid), [1, 2]);
  assertStrictEquals(join(two, player(2, 9)).hall, two);
  const { hall, players } = join(two, player(3));
  assertEquals(hall, { waiting: [], tables: 1 });
  assertEquals(players?.map(({ uid }) => uid), [1, 2, 3]);
});

Deno.test("quit(): who goes does not wait any more", () => {
  const hall = hallOf(1, 2);
  assertEquals(quit(hall, 1).waiting.map(({ uid }) => uid), [2]);
  assertStrictEquals(quit(hall, 7), hall);
});

Deno.test("fill(): bots sit down with who has waited long enough", () => {
  const hall = hallOf(5);
  assertEquals(fillDue(hall, 100), 105);
  assertEquals(fillDue(EMPTY_HALL, 100), undefined);
  assertStrictEquals(fill(hall, 104, 100).hall, hall);
  const { players, hall: after } = fill(hall, 105, 100);
  assertEquals(players?.map(({ uid }) => uid), [5, 0, 0]);
  assertEquals(after.waiting, []);
});
