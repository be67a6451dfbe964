import { assertEquals } from "@std/assert";
import type { Int64 } from "@maple/box";
import { GroupTable, type Membership } from "@maple/box/internal";
import { propertyTest } from "../helpers/random.ts";

class Member {
  groups: Membership | null = null;
  constructor(public uid: Int64) {}
}

const LIMITS = { groupsPerClient: 100, groupsMax: 1_000_000 };

function members(count: number): Member[] {
  return Array.from({ length: count }, (_, i) => new Member(i + 1));
}

function uidsOf(table: GroupTable<Member>, name: string): Int64[] {
  const uids: Int64[] = [];
  table.forEach(name, ({ uid }) => uids.push(uid));
  return uids.sort();
}

Deno.test("GroupTable has a group while it has members", () => {
  const table = new GroupTable<Member>(LIMITS);
  const [a, b] = members(2) as [Member, Member];
  assertEquals(table.join(a, "t"), "joined");
  assertEquals(table.join(a, "t"), "member");
  assertEquals(table.join(b, "t"), "joined");
  assertEquals(table.join(b, "u"), "joined");
  assertEquals([table.count, table.memberships, table.size("t")], [2, 3, 2]);
  assertEquals(table.namesOf(b), ["t", "u"]);
  assertEquals(uidsOf(table, "t"), [1, 2]);
  assertEquals(table.leave(b, "none"), false);
  assertEquals(table.leave(b, "t"), true);
  assertEquals(table.leave(b, "t"), false);
  assertEquals(uidsOf(table, "t"), [1]);
  table.leaveAll(b);
  table.leaveAll(b);
  table.leave(a, "t");
  assertEquals([table.count, table.memberships, table.size("t")], [0, 0, 0]);
  assertEquals([a.groups, b.groups], [null, null]);
  assertEquals(table.get("t"), undefined);
});

Deno.test("GroupTable refuses what is beyond its limits", () => {
  const limits = { groupsPerClient: 2, groupsMax: 3 };
  const table = new GroupTable<Member>(limits);
  const [a, b] = members(2) as [Member, Member];
  assertEquals(table.join(a, "1"), "joined");
  assertEquals(table.join(a, "2"), "joined");
  assertEquals(table.join(a, "3"), "clientFull");
  assertEquals(table.join(a, "2"), "member");
  assertEquals(table.join(b, "3"), "joined");
  assertEquals(table.join(b, "4"), "full");
  assertEquals(table.join(b, "1"), "joined");
  limits.groupsPerClient = 3;
  assertEquals(table.join(b, "4"), "full");
  table.leave(a, "2");
  assertEquals(table.join(b, "4"), "joined");
});

Deno.test("a walk over a group does not mind who leaves and joins meanwhile", () => {
  const table = new GroupTable<Member>(LIMITS);
  const all = members(9);
  for (const member of all.slice(0, 6)) table.join(member, "t");
  const met: Int64[] = [];
  table.forEach("t", (member) => {
    met.push(member.uid);
    if (member.uid !== 5) return;
    // The one that stands here, those before and behind it, and the last one.
    for (const uid of [6, 5, 4, 3, 1]) table.leave(all[uid - 1]!, "t");
    for (const member of all.slice(6)) table.join(member, "t");
    table.join(all[3]!, "t");
  });
  assertEquals(met, [6, 5, 2]);
  assertEquals(uidsOf(table, "t"), [2, 4, 7, 8, 9]);
});

Deno.test("GroupTable.uids() gives those who are logged in, in order, page by page", () => {
  const table = new GroupTable<Member>(LIMITS);
  const uids: Int64[] = [30, 0, 4, 2n ** 60n, 100, 2n ** 61n, 3, 0];
  for (const uid of uids) table.join(new Member(uid), "t");
  assertEquals(table.uids("t"), [3, 4, 30, 100, 2n ** 60n, 2n ** 61n]);
  assertEquals(table.uids("t", 0, 2), [3, 4]);
  assertEquals(table.uids("t", 4, 3), [30, 100, 2n ** 60n]);
  assertEquals(table.uids("t", 2n ** 60n, 3), [2n ** 61n]);
  assertEquals(table.uids("none"), []);
});

Deno.test("GroupTable.largest() gives those with the most members", () => {
  const table = new GroupTable<Member>(LIMITS);
  const all = members(5);
  const sizes = { a: 2, b: 5, c: 1, d: 4, e: 3 };
  for (const [name, size] of Object.entries(sizes)) {
    for (const member of all.slice(0, size)) table.join(member, name);
  }
  assertEquals(table.largest(3), [
    { name: "b", members: 5 },
    { name: "d", members: 4 },
    { name: "e", members: 3 },
  ]);
  assertEquals(table.largest(9).length, 5);
});

propertyTest("GroupTable is what a Map of Sets is", (random) => {
  const table = new GroupTable<Member>(LIMITS);
  const all = members(8);
  const names = ["a", "b", "c", "d"];
  const model = new Map(names.map((name) => [name, new Set<Int64>()]));
  for (let step = 0; step < 2000; step++) {
    const member = all[random.between(0, all.length - 1)]!;
    const name = names[random.between(0, names.length - 1)]!;
    const set = model.get(name)!;
    const what = random.between(0, 6);
    if (what < 3) {
      const before = set.has(member.uid);
      const outcome = table.join(member, name);
      assertEquals(outcome, before ? "member" : "joined");
      set.add(member.uid);
    } else if (what < 6) {
      assertEquals(table.leave(member, name), set.delete(member.uid));
    } else {
      table.leaveAll(member);
      for (const set of model.values()) set.delete(member.uid);
    }
    for (const [name, set] of model) {
      assertEquals(uidsOf(table, name), [...set].sort());
      assertEquals(table.size(name), set.size);
    }
    const used = [...model.values()].filter((set) => set.size > 0);
    assertEquals(table.count, used.length);
  }
});
