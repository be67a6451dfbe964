// What of an application's state goes to another process, and what is said of the rest.

import { assert, assertEquals, assertStrictEquals } from "@std/assert";
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
      "conn.state.players[].onHit (function), " +
      "conn.state.players[] (function), " +
      "conn.state.names[] (symbol), conn.state.list[] (function), " +
      "conn.state.later (Promise), conn.state.map (WeakMap), " +
      "conn.state.broken (getter that throws); " +
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
