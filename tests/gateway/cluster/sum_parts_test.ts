import { assert, assertEquals } from "@std/assert";
import type { Int64 } from "@maple/box";
import {
  answerQuery,
  GroupTable,
  nextUids,
  noReceipt,
  type Query,
  type Receipt,
  SessionTable,
} from "@maple/box/internal";
import { sumParts } from "../../../gateway/cluster/sum_parts.ts";
import type { ClientSession } from "../../../gateway/outer/client_session.ts";
import { propertyTest, type Random } from "../../helpers/random.ts";
import { fakeSession } from "../queue/fakes.ts";

const ASK: Query = { uids: [], names: [], members: false, after: 0, limit: 0 };

function part(receipt: Partial<Receipt>): Receipt {
  return { ...noReceipt(), ...receipt };
}

Deno.test("sumParts() adds what was delivered; offline is who is so everywhere", () => {
  const sum = sumParts([
    part({ delivered: 2, offline: [1, 2, 3] }),
    part({ delivered: 0, offline: [2, 3, 4] }),
    part({ delivered: 3, offline: [2, 3] }),
  ]);
  assertEquals([sum.delivered, sum.offline], [5, [2, 3]]);
});

Deno.test("sumParts() merges pages of users: in order, each once, no more than were asked for", () => {
  const parts = [part({ online: [1, 4, 9] }), part({ online: [2, 4, 5] })];
  const page = sumParts(parts, { ...ASK, limit: 4 }, 100);
  assertEquals(page.online, [1, 2, 4, 5]);
  assertEquals(sumParts(parts, { ...ASK, limit: 4 }, 3).online, [1, 2, 4]);
});

Deno.test("sumParts() tells of groups their sizes together", () => {
  const group = (size: number, uids: Int64[] = []) => ({
    name: "a",
    size,
    uids,
  });
  const parts = [
    part({ groups: [group(2)] }),
    part({ groups: [group(3)] }),
  ];
  const query = { ...ASK, names: ["a"] };
  assertEquals(sumParts(parts, query, 100).groups, [group(5)]);
});

Deno.test("sumParts() keeps what is wrong with one of the parts", () => {
  const parts = [part({ online: [1] }), part({ error: "busy" })];
  assertEquals(sumParts(parts, ASK, 100).error, "busy");
});

// Any number of gateways answers as one does that has all connections.
propertyTest(
  "pages of users and members come to all of them, in order, whoever has them",
  (random) => {
    for (let i = 0; i < 30; i++) goThrough(random);
  },
);

function goThrough(random: Random): void {
  const [lobby, quiz] = ["lobby", "quiz"];
  const gateways = Array.from({ length: random.between(1, 4) }, () => ({
    sessions: new SessionTable<ClientSession>(),
    groups: new GroupTable<ClientSession>({
      groupsPerClient: 10,
      groupsMax: 10,
    }),
  }));
  const all: Record<string, number[]> = { users: [], lobby: [], quiz: [] };
  for (let uid = 1; uid <= 60; uid++) {
    const { sessions, groups } = random.pick(gateways);
    const session = fakeSession(uid);
    sessions.add(session);
    sessions.login(session, uid, 0);
    all.users!.push(uid);
    for (const name of [lobby, quiz]) {
      if (random.between(0, 2) === 0) continue;
      groups.join(session, name);
      all[name]!.push(uid);
    }
  }
  const uidsMax = random.between(3, 80);
  const limit = random.between(1, 30);
  const ask = (query: Query) =>
    sumParts(
      gateways.map((one) => part(answerQuery(query, { ...one, uidsMax }))),
      query,
      uidsMax,
    );
  const pages = (pageOf: (after: Int64) => readonly Int64[]) => {
    const found: Int64[] = [];
    for (let after: Int64 = 0;;) {
      const page = pageOf(after);
      if (page.length === 0) return found;
      found.push(...page);
      after = page.at(-1)!;
    }
  };
  assertEquals(
    pages((after) => ask({ ...ASK, after, limit }).online),
    all.users,
  );
  // The first of two groups: the second one has what the first leaves.
  const members = { ...ASK, names: [lobby, quiz], members: true, limit };
  assertEquals(
    pages((after) => ask({ ...members, after }).groups[0]!.uids),
    all.lobby,
  );
  // What is told of the second one has no gaps, and of both no more than an answer may tell.
  const [first, second] = ask(members).groups;
  const told = second!.uids;
  assertEquals(told, nextUids(all.quiz!, 0, told.length));
  assert(first!.uids.length + told.length <= uidsMax);
}
