// What becomes of the messages between gateways while one process takes the place of another, by
// simulation: a bus whose servers learn of a newcomer at different times, and that carries each
// message as late as it likes, in the order of its sender.

import { assert, assertEquals } from "@std/assert";
import type {
  Bus,
  BusReceiver,
  NotCarried,
} from "../../../gateway/cluster/bus.ts";
import { Cluster } from "../../../gateway/cluster/cluster.ts";
import { UNTOLD } from "../../../gateway/cluster/hello.ts";
import { encodeMessage } from "../../../gateway/cluster/message.ts";
import { isBefore, Standby } from "../../../gateway/cluster/standby.ts";
import { newCounters } from "../../../gateway/metrics/counter_values.ts";
import { LogCollector } from "../../helpers/log_collector.ts";
import { propertyTest, type Random } from "../../helpers/random.ts";

const NODE = 0;
const OTHERS = [1, 2, 3];
const MESSAGE_BYTES = 90;
const RUNS = 25;

interface Sent {
  readonly from: SlowBus;
  readonly to: number | undefined;
  readonly message: Uint8Array;
}

/** What carries the messages, a step at a time. */
class Network {
  readonly buses: SlowBus[] = [];
  readonly later: (() => void)[] = [];
  constructor(readonly random: Random) {}

  /** Something moves, anything; answers whether anything could. */
  step(): boolean {
    const moves: (() => void)[] = [];
    const { later } = this;
    if (later.length > 0) moves.push(() => later.shift()!());
    for (const bus of this.buses) {
      if (bus.up.length > 0) moves.push(() => this.#route(bus.up.shift()!));
      if (bus.down.length > 0) {
        moves.push(() => bus.receiver?.onMessage(bus.down.shift()!));
      }
      for (const other of this.buses) {
        if (other === bus || bus.knows.has(other)) continue;
        moves.push(() => bus.knows.add(other));
      }
    }
    if (moves.length === 0) return false;
    this.random.pick(moves)();
    return true;
  }

  #route({ from, to, message }: Sent): void {
    for (const bus of this.buses) {
      // Where its server has not heard of one, nothing of it comes there.
      if (bus === from || !from.knows.has(bus)) continue;
      if (to !== undefined && bus.node !== to) continue;
      if (bus.receiver) bus.down.push(message.slice());
    }
  }
}

/** The bus of one process. */
class SlowBus implements Bus {
  readonly name = "slow";
  readonly maxBytes = MESSAGE_BYTES;
  readonly notCarried: NotCarried = { away: 0, full: 0, late: 0, cut: 0 };
  readonly isUp = true;
  readonly up: Sent[] = [];
  readonly down: Uint8Array[] = [];
  readonly knows = new Set<SlowBus>();
  receiver: BusReceiver | undefined;
  constructor(readonly network: Network, readonly node: number) {}

  open(receiver: BusReceiver): Promise<void> {
    this.receiver = receiver;
    this.network.buses.push(this);
    return Promise.resolve();
  }
  listenAs(): void {}
  publish(message: Uint8Array): boolean {
    this.up.push({ from: this, to: undefined, message });
    return true;
  }
  send(to: number, message: Uint8Array): boolean {
    this.up.push({ from: this, to, message });
    return true;
  }
  close(): Promise<void> {
    return Promise.resolve();
  }
}

/** A process of a gateway that numbers what it sends and notes what it gets. */
class Process {
  readonly bus: SlowBus;
  readonly cluster: Cluster;
  readonly counters = newCounters();
  constructor(network: Network, node: number, readonly got: string[]) {
    this.bus = new SlowBus(network, node);
    this.cluster = new Cluster({
      ...{ name: "test", nodeId: undefined, bus: this.bus },
      ...{ bytesMax: 1024 * 1024, logger: new LogCollector() },
      counters: this.counters,
      afterOthers: (work) => network.later.push(work),
      hello: () => ({ ...UNTOLD, state: "serving", inner: `at:${node}` }),
    });
    this.cluster.on("command", (body) => {
      got.push(new TextDecoder().decode(body).split(" ")[0]!);
    });
  }
}

/** Numbers the messages of one gateway, whichever process sends them. */
class Numbers {
  readonly #counts = new Map<number, number>();

  next(from: number, to: number): number {
    const key = from * 10 + to;
    const count = (this.#counts.get(key) ?? 0) + 1;
    this.#counts.set(key, count);
    return count;
  }

  /** All that one must have got, in the order of each sender. */
  all(to: number, nodes: readonly number[]): string[][] {
    return nodes.filter((from) => from !== to).map((from) => {
      const count = this.#counts.get(from * 10 + to) ?? 0;
      return Array.from({ length: count }, (_, i) => `${from}:${i + 1}`);
    });
  }
}

propertyTest(
  "messages between gateways of which one is replaced: none is lost, none comes twice, all in order",
  async (random) => {
    for (let run = 0; run < RUNS; run++) await replaced(random.fork());
  },
);

async function replaced(random: Random): Promise<void> {
  const network = new Network(random);
  const nodes = [NODE, ...OTHERS];
  const got = nodes.map((): string[] => []);
  const numbers = new Numbers();
  const processes = nodes.map((node) => new Process(network, node, got[node]!));
  for (const { bus } of processes) {
    for (const other of processes) bus.knows.add(other.bus);
  }
  for (const { cluster } of processes) await cluster.join();
  const left: Process[] = [];
  const settle = () => {
    while (network.step());
  };
  try {
    settle();
    for (const { cluster } of processes) cluster.tell();
    settle();
    assertEquals(processes[NODE]!.cluster.members.size, OTHERS.length);

    const speak = () => {
      const from = random.pick(nodes);
      const { cluster } = processes[from]!;
      const text = (to: number) =>
        `${from}:${numbers.next(from, to)} ${
          "x".repeat(random.between(0, 300))
        }`;
      const encoder = new TextEncoder();
      const to = random.pick(nodes.filter((node) => node !== from));
      cluster.send(to, "command", encoder.encode(text(to)));
      if (random.between(0, 9) === 0) cluster.tell();
    };
    const some = (count: number) => {
      for (let i = random.between(0, count); i > 0; i--) {
        if (random.between(0, 2) === 0) speak();
        else network.step();
      }
    };

    for (let handover = 0; handover < 3; handover++) {
      some(200);
      const old = processes[NODE]!;
      const next = new Process(network, NODE, got[NODE]!);
      // Its server has long known the others; theirs learn of it as time goes by.
      for (const bus of network.buses) next.bus.knows.add(bus);
      await next.cluster.stand(NODE);
      const { id } = old.cluster;
      do {
        some(50);
        for (const { cluster } of processes) cluster.tell();
      } while (old.cluster.lacking(next.cluster.firsts, true) !== 0);
      // In one go, as both processes stand still.
      old.cluster.finish();
      next.cluster.takeOver(old.cluster.give(), NODE);
      for (const piece of old.cluster.givePieces()) {
        next.cluster.takePiece(piece);
      }
      await old.cluster.leaveGiven();
      left.push(old);
      processes[NODE] = next;
      next.cluster.resume();
      assertEquals(next.cluster.id, id);
      assertEquals(next.cluster.members.size, OTHERS.length);
      some(100);
      // What the old one has sent has left, and what comes to it is nobody's any more.
      while (old.bus.up.length > 0) network.step();
      next.cluster.sendHeld();
      some(100);
      network.buses.splice(network.buses.indexOf(old.bus), 1);
    }
    settle();

    for (const node of nodes) {
      const byOrder = nodes.filter((from) => from !== node)
        .map((from) => got[node]!.filter((one) => one.startsWith(`${from}:`)));
      assertEquals(byOrder, numbers.all(node, nodes), `at ${node}`);
    }
    for (const { counters, cluster } of processes) {
      assertEquals(counters.clusterLost, 0);
      assertEquals(Object.values(counters.clusterDropped), [0, 0, 0, 0, 0]);
      assertEquals(Object.values(cluster.notCarried), [0, 0, 0, 0]);
    }
  } finally {
    for (const { cluster } of [...processes, ...left]) await cluster.leave();
  }
}

Deno.test("a gateway does not give what its successor might miss: of each other one something must have come there, and come here up to that", async () => {
  const network = new Network(
    { pick: <T>(all: readonly T[]) => all[0]! } as Random,
  );
  const [old, other] = [NODE, 1].map((node) => new Process(network, node, []));
  await old!.cluster.join();
  await other!.cluster.join();
  try {
    while (network.step());
    other!.cluster.tell();
    while (network.step());
    assertEquals(old!.cluster.lacking([], true), 1);
    assertEquals(old!.cluster.lacking([], false), undefined);
    const { id } = other!.cluster;
    const [, number] = old!.cluster.give().seen[0]!;
    assertEquals(old!.cluster.lacking([[id, number + 1, 0]], true), 1);
    assertEquals(old!.cluster.lacking([[id, number, 0]], true), 0);
  } finally {
    await old!.cluster.leave();
    await other!.cluster.leave();
  }
});

Deno.test("what is kept for a successor begins anew where there is too much of it, or the bus was away", () => {
  const standby = new Standby(300);
  const message = (number: number) =>
    encodeMessage({
      ...{ kind: "command", node: 1, id: 7, number, piece: 0, pieces: 1 },
    }, new Uint8Array(76));
  for (let number = 1; number <= 3; number++) {
    standby.onMessage(message(number));
  }
  assertEquals(standby.firsts, [[7, 1, 0]]);
  standby.onMessage(message(4));
  assertEquals(standby.firsts, [[7, 4, 0]]);
  standby.onState(false, "away");
  assertEquals(standby.firsts, []);
  standby.onMessage(message(6));
  const got: (Uint8Array | string)[] = [];
  standby.passTo({
    onMessage: (one) => got.push(one),
    onState: (isUp, why) => got.push(`${isUp} ${why}`),
  });
  assertEquals(got, ["false away", message(6)]);
});

Deno.test("points in what a gateway sends stand in the order of numbers and pieces, also where numbers begin anew", () => {
  assert(isBefore([7, 1, 0], [7, 2, 0]));
  assert(isBefore([7, 2, 0], [7, 2, 1]));
  assert(!isBefore([7, 2, 1], [7, 2, 1]));
  assert(!isBefore([7, 3, 0], [7, 2, 1]));
  assert(isBefore([7, 2 ** 31 - 1, 0], [7, -(2 ** 31), 0]));
});
