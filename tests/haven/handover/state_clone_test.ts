// What of an application's state goes to another process, and what is said of the rest.

import {
  assert,
  assertEquals,
  assertStrictEquals,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { StateCloner, takeState } from "../../../haven/handover/state_clone.ts";
import type { Kept } from "../../../haven/kept.ts";

class Player {
  hits = 3;
  onHit?: () => void;
  constructor(readonly name: string) {}
}

type State = Record<string, unknown>;

function sent(kept: Kept, states: Record<number, object> = {}) {
  const cloner = new StateCloner();
  const bytes = cloner.give({
    kept,
    states: new Map(Object.entries(states).map(([id, one]) => [+id, one])),
  });
  const taken = takeState(bytes);
  return {
    kept: taken.kept as State,
    states: taken.states as Map<number, State>,
    remark: cloner.remark,
  };
}

for (const extra of [undefined, () => {}]) {
  const how = extra ? "beside what cannot be cloned" : "where all can be";
  Deno.test(`an object that connections and kept share stays one, ${how}`, () => {
    const table: State = { seats: 2, extra };
    table.self = table;
    const { kept, states } = sent(
      { tables: new Map([[7, table]]) },
      { 1: { table }, 2: { table, n: 1n } },
    );
    const one = states.get(1)!.table as State;
    assertStrictEquals(states.get(2)!.table, one);
    assertStrictEquals((kept.tables as Map<number, unknown>).get(7), one);
    assertStrictEquals(one.self, one);
    assertEquals([one.seats, states.get(2)!.n], [2, 1n]);
  });
}

Deno.test("what cannot be cloned is left out wherever it is, and all around it goes along", () => {
  const ann = new Player("ann");
  ann.onHit = () => {};
  const { states, remark } = sent({}, {
    1: {
      players: new Map<unknown, unknown>([[1, ann], [2, () => {}]]),
      names: new Set<unknown>(["a", Symbol("b")]),
      list: [1, () => {}, new Date(5)],
      bytes: new Uint8Array([1, 2]),
      later: Promise.resolve(),
      map: new WeakMap(),
      get broken(): never {
        throw new Error("not now");
      },
    },
  });
  assertEquals(states.get(1), {
    players: new Map([[1, { hits: 3, name: "ann" }]]),
    names: new Set(["a"]),
    list: [1, undefined, new Date(5)],
    bytes: new Uint8Array([1, 2]),
  });
  assertEquals(
    remark,
    "cannot be handed over and is left out: " +
      "conn.state.later (Promise), conn.state.map (WeakMap), " +
      "conn.state.broken (getter that throws), " +
      "conn.state.players[] (function), " +
      "conn.state.names[] (symbol), conn.state.list[] (function), " +
      "conn.state.players[].onHit (function); " +
      "is handed over without its class: conn.state.players[] (Player)",
  );
});

Deno.test("classes are named where all can be cloned, each object once", () => {
  const ann = new Player("ann");
  const { kept, remark } = sent({ ann, all: [ann, new Player("bob")] });
  assertEquals(kept.ann, { hits: 3, onHit: undefined, name: "ann" });
  assertEquals(
    remark,
    "is handed over without its class: kept.ann (Player), kept.all[] (Player)",
  );
});

Deno.test("a thousand connections that share a large object take its room once", () => {
  const world = { map: new Uint8Array(100_000) };
  const states = Object.fromEntries(
    Array.from({ length: 1000 }, (_, id) => [id, { world, id }]),
  );
  const bytes = new StateCloner().give({
    kept: {},
    states: new Map(Object.entries(states).map(([id, one]) => [+id, one])),
  });
  assert(bytes.length < 300_000, `${bytes.length} bytes`);
});

Deno.test("bytes are those of their own buffer, which they share if they did", () => {
  for (const extra of [undefined, () => {}]) {
    const buffer = new ArrayBuffer(16);
    const bytes = new Uint8Array(buffer, 4, 8);
    const { states } = sent({ pad: "x".repeat(1000) }, {
      1: { bytes, all: new Uint8Array(buffer), extra },
    });
    const { bytes: own, all } = states.get(1) as Record<string, Uint8Array>;
    assertEquals([own!.byteOffset, own!.length], [4, 8]);
    assertEquals(all!.buffer.byteLength, 16);
    own![0] = 7;
    assertEquals(all![4], 7);
  }
});

Deno.test("objects inside each other go along however deep they are", () => {
  for (const extra of [undefined, () => {}]) {
    for (const depth of [2000, 3000, 20_000]) {
      const first: State = { extra };
      let last = first;
      for (let i = 1; i < depth; i++) {
        last.next = { last, i };
        last = last.next as State;
      }
      last.next = first;
      const { kept } = sent({ first });
      let one = kept.first as State;
      for (let i = 1; i < depth; i++) {
        const next = one.next as State;
        assertStrictEquals(next.last, one);
        one = next;
      }
      assertEquals(one.i, depth - 1);
      assertStrictEquals(one.next, kept.first);
    }
  }
});

Deno.test("what throws when it is looked at is left out, and all around it goes along", () => {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  const closed = new Proxy({}, {
    ownKeys() {
      throw new Error("not for you");
    },
  });
  const nameless = Object.defineProperty({}, Symbol.toStringTag, {
    get() {
      throw new Error("no name");
    },
  });
  const classless = Object.create({
    get constructor(): never {
      throw new Error("no class");
    },
  });
  classless.a = 1;
  const { kept, remark } = sent({
    ...{ proxy, closed, nameless, classless },
    map: Object.create(Map.prototype),
    a: 1,
  });
  assertEquals(kept, { a: 1, classless: { a: 1 } });
  assertEquals(
    remark,
    "cannot be handed over and is left out: kept.proxy (object), " +
      "kept.closed (Object), kept.nameless (Object), kept.map (Map); " +
      "is handed over without its class: kept.classless (object)",
  );
});

Deno.test("what has no end is not handed over at all", () => {
  const endless = {
    get more(): object {
      return Object.defineProperties(
        {},
        Object.getOwnPropertyDescriptors(endless),
      );
    },
  };
  assertThrows(
    () => sent({ endless }),
    Error,
    "there are more than 1000000 objects in what is to go along",
  );
});

Deno.test("an array keeps its gaps and its names, an object its __proto__, beside what cannot be cloned", () => {
  const list: unknown[] = [1, 2];
  list[5] = () => {};
  list.length = 9;
  const named = Object.assign([1, 2], { index: 5 });
  const proto = JSON.parse('{"__proto__": {"x": 1}}');
  const { kept } = sent({ list, named, proto, none: null, big: 2n ** 70n });
  const own = kept.list as unknown[];
  assertEquals(own.length, 9);
  assertEquals([0, 2, 5, 8].map((at) => at in own), [true, false, true, false]);
  assertEquals(own[5], undefined);
  assertEquals(kept.named, named);
  assertEquals(Object.keys(kept.proto as object), ["__proto__"]);
  assertEquals([kept.none, kept.big], [null, 2n ** 70n]);
});

Deno.test("a class of what the system makes is named as well", () => {
  class Bag extends Map {}
  class Fault extends Error {}
  for (const extra of [undefined, () => {}]) {
    const { kept, remark } = sent({
      extra,
      bag: new Bag(),
      fault: new Fault("x"),
      code: Object.assign(new Error("y"), { code: 5 }),
      plain: new TypeError("z"),
    });
    assert(kept.bag instanceof Map && kept.fault instanceof Error);
    assertStringIncludes(
      remark!,
      "is handed over without its class: " +
        "kept.bag (Bag), kept.fault (Fault), kept.code (Error)",
    );
  }
});

Deno.test("a long name is cut", () => {
  const { remark } = sent({ ["x".repeat(1000)]: () => {} });
  assert(remark!.length < 200, remark);
});
