import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import {
  ClientPlaces,
  type CloseCause,
  type Placed,
} from "@maple/box/internal";

class Connection implements Placed {
  heard = false;
  known = false;
  readonly causes: CloseCause[] = [];
  readonly socket = {
    destroy: (cause: CloseCause) => {
      this.causes.push(cause);
      // As a transport does: its session is told at once.
      this.places.leave(this);
      this.places.free(this);
    },
  };

  constructor(readonly places: ClientPlaces<Connection>) {
    places.take(this);
  }

  get closed(): boolean {
    return this.causes.length > 0;
  }
}

function taken(count: number) {
  const places = new ClientPlaces<Connection>({ connsMax: count });
  const all = Array.from({ length: count }, () => new Connection(places));
  return { places, all };
}

Deno.test("ClientPlaces gives out as many as there are, and again when one is free", () => {
  const { places, all } = taken(2);
  for (const one of all) one.heard = true;
  assertStrictEquals(places.hasRoom(), false);
  places.leave(all[0]!);
  places.free(all[0]!);
  assertStrictEquals(places.taken, 1);
  assert(places.hasRoom());
});

Deno.test("ClientPlaces shows out who has waited longest without a frame, and nobody else", () => {
  const { places, all } = taken(5);
  const [heard, known, oldest, other, last] = all as [
    Connection,
    Connection,
    Connection,
    Connection,
    Connection,
  ];
  heard.heard = last.heard = true;
  known.known = true;
  assert(places.hasRoom());
  assertEquals(all.map((one) => one.closed), [
    ...[false, false, true, false, false],
  ]);
  const { kind, message } = oldest.causes[0]!;
  assertEquals(
    [kind, message],
    [
      "room",
      "it has sent no whole frame: there are 5 connections, the most that connsMax allows, and it makes room for another",
    ],
  );
  // The newcomer is silent too, and younger than the other one.
  new Connection(places);
  assert(places.hasRoom());
  assert(other.closed);
  assertStrictEquals(places.taken, 4);
});

Deno.test("ClientPlaces cuts who is on its way out before anybody who is silent", () => {
  const { places, all } = taken(3);
  places.leave(all[2]!);
  places.leave(all[1]!);
  assertEquals([...places.leaving()], [all[2], all[1]]);
  assert(places.hasRoom());
  assertEquals(all.map((one) => one.closed), [false, false, true]);
});

Deno.test("ClientPlaces finds nobody to show out where all are heard or known", () => {
  const { places, all } = taken(3);
  all[0]!.heard = true;
  for (const one of all.slice(1)) one.known = true;
  assertStrictEquals(places.hasRoom(), false);
  // Not in vain for the next one either.
  assertStrictEquals(places.hasRoom(), false);
  assertEquals(all.map((one) => one.closed), [false, false, false]);
});
