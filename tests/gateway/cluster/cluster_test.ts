import {
  assert,
  assertEquals,
  assertObjectMatch,
  assertRejects,
} from "@std/assert";
import { GatewayError } from "@maple/gateway";
import { Cluster } from "../../../gateway/cluster/cluster.ts";
import { type MemberState, UNTOLD } from "../../../gateway/cluster/hello.ts";
import { newCounters } from "../../../gateway/metrics/counter_values.ts";
import { eventually } from "../../helpers/eventually.ts";
import { LogCollector } from "../../helpers/log_collector.ts";
import { type MemoryBus, MemoryBuses } from "../../helpers/memory_bus.ts";

interface Made {
  state: MemberState;
  cluster: Cluster;
  bus: MemoryBus;
  log: LogCollector;
  counters: ReturnType<typeof newCounters>;
}

function make(buses: MemoryBuses, nodeId?: number): Made {
  const bus = buses.make();
  const log = new LogCollector();
  const counters = newCounters();
  const made: Partial<Made> = { state: "serving" };
  const cluster = new Cluster({
    name: "test",
    bus,
    nodeId,
    bytesMax: 4 * 1024 * 1024,
    logger: log,
    counters,
    afterOthers: (work) => queueMicrotask(work),
    hello: () => ({ ...UNTOLD, state: made.state!, inner: `at:${nodeId}` }),
  });
  return Object.assign(made, {
    state: made.state!,
    cluster,
    bus,
    log,
    counters,
  });
}

async function all(
  made: readonly Made[],
  body: () => Promise<void> | void,
): Promise<void> {
  try {
    await Promise.all(made.map(({ cluster }) => cluster.join()));
    await body();
  } finally {
    for (const { cluster } of made) await cluster.leave();
  }
}

const nodesOf = ({ cluster }: Made) =>
  cluster.members.all().map(({ node }) => node);

Deno.test("Cluster.join() gives gateways that start at the same moment the lowest node ids, one each", async () => {
  const buses = new MemoryBuses();
  const made = Array.from({ length: 7 }, () => make(buses));
  await all(made, async () => {
    const nodes = made.map(({ cluster }) => cluster.node);
    assertEquals(nodes.toSorted(), [0, 1, 2, 3, 4, 5, 6]);
    for (const one of made) {
      await eventually(() => one.cluster.members.size === 6);
      assert(!nodesOf(one).includes(one.cluster.node));
    }
  });
});

Deno.test("Cluster.join() takes the lowest node id that is free", async () => {
  const buses = new MemoryBuses();
  const [zero, two] = [make(buses, 0), make(buses, 2)];
  await all([zero, two], async () => {
    const third = make(buses);
    await all([third], () => assertEquals(third.cluster.node, 1));
  });
});

Deno.test("Cluster.join() refuses a node id that another gateway has, in one line", async () => {
  const buses = new MemoryBuses();
  await all([make(buses, 3)], async () => {
    const second = make(buses, 3);
    const { message } = await assertRejects(
      () => second.cluster.join(),
      GatewayError,
    );
    assertEquals(
      message,
      "Option nodeId is 3, which the gateway at at:3 of cluster test has: give another one, or none, and a free one is taken",
    );
    assertEquals(buses.open.size, 1);
  });
});

Deno.test("Cluster.join() with the bus away takes a number that no gateway would choose", async () => {
  const buses = new MemoryBuses();
  const one = make(buses);
  one.bus.cut();
  await all([one], () => {
    assert(one.cluster.node >= 2 ** 20);
    assert(one.cluster.isAlone);
  });
});

Deno.test("Cluster messages come to all others once, in order, whatever their length", async () => {
  const buses = new MemoryBuses({ maxBytes: 1000 });
  const [a, b, c] = [make(buses), make(buses), make(buses)];
  await all([a, b, c], async () => {
    const got = [b, c].map(({ cluster }) => {
      const lengths: number[] = [];
      cluster.on("command", (body, { node }) => {
        assertEquals(node, a.cluster.node);
        assert(body.every((byte) => byte === body.length % 251));
        lengths.push(body.length);
      });
      return lengths;
    });
    a.cluster.on("command", () => assert(false, "its own came back"));
    const sent = [0, 1, 976, 977, 1952, 1953, 100_000, 5];
    for (const length of sent) {
      const body = new Uint8Array(length).fill(length % 251);
      assert(a.cluster.publish("command", body));
      body.fill(0);
    }
    await eventually(() => got.every(({ length }) => length === sent.length));
    assertEquals(got, [sent, sent]);
  });
});

Deno.test("Cluster.send() comes to one gateway only", async () => {
  const buses = new MemoryBuses();
  const [a, b, c] = [make(buses), make(buses), make(buses)];
  await all([a, b, c], async () => {
    let [atB, atC] = [0, 0];
    b.cluster.on("part", () => atB++);
    c.cluster.on("part", () => atC++);
    a.cluster.send(b.cluster.node, "part", new Uint8Array(1));
    await eventually(() => atB === 1);
    assertEquals(atC, 0);
  });
});

Deno.test("Cluster drops a message of which a piece is missing, counts it, and takes the next", async () => {
  const buses = new MemoryBuses({ maxBytes: 1000 });
  const [a, b] = [make(buses), make(buses)];
  await all([a, b], async () => {
    const got: number[] = [];
    b.cluster.on("command", (body) => got.push(body.length));
    let pieces = 0;
    a.bus.onCarried = (message) => ++pieces === 3 ? undefined : message;
    a.cluster.publish("command", new Uint8Array(10_000));
    a.cluster.publish("command", new Uint8Array(5000));
    await eventually(() => got.length > 0);
    assertEquals(got, [5000]);
    assertObjectMatch(b.counters.clusterDropped, { gap: 1, room: 0 });
  });
});

Deno.test("Cluster.leave() tells the others; one that is cut off is lost, and back when it is heard again", async () => {
  const buses = new MemoryBuses();
  const [a, b, c] = [make(buses), make(buses), make(buses)];
  await all([a, b, c], async () => {
    await eventually(() => a.cluster.members.size === 2);
    const seen: string[] = [];
    a.cluster.members.onChange((_, change) => seen.push(change));
    await b.cluster.leave();
    await eventually(() => a.cluster.members.size === 1);
    c.bus.cut();
    await eventually(() => a.cluster.members.size === 0);
    // Whom it cannot hear is not gone.
    assertEquals(nodesOf(c), [a.cluster.node]);
    c.bus.heal();
    await eventually(() => a.cluster.members.size === 1);
    assertEquals(seen, ["left", "lost", "came"]);
    assertEquals(a.counters.clusterLost, 1);
  });
});

Deno.test("Cluster.onBack() is called when the bus is back", async () => {
  const buses = new MemoryBuses();
  const one = make(buses);
  await all([one], async () => {
    let back = 0;
    one.cluster.onBack(() => back++);
    one.bus.cut();
    one.bus.heal();
    await eventually(() => back === 1);
  });
});

Deno.test("Cluster.leave() while it joins ends the joining", async () => {
  const buses = new MemoryBuses();
  const one = make(buses);
  const joining = assertRejects(() => one.cluster.join(), GatewayError);
  await one.cluster.leave();
  assertEquals(
    (await joining).message,
    "Cannot join the cluster: closed meanwhile",
  );
  assertEquals(buses.open.size, 0);
});

Deno.test("Cluster.join() takes the node id that was given from one that leaves, and from no other", async () => {
  const buses = new MemoryBuses();
  const old = make(buses, 3);
  await all([old], async () => {
    old.state = "draining";
    const next = make(buses, 3);
    await all([next], () => {
      assertEquals(next.cluster.node, 3);
      assertEquals(next.cluster.members.all().length, 1);
      return Promise.resolve();
    });
  });
});

Deno.test("Cluster tells once that another gateway has its node id, as when the bus was away at the start", async () => {
  const buses = new MemoryBuses();
  const [one, two] = [make(buses, 3), make(buses, 3)];
  two.bus.cut();
  await all([one, two], async () => {
    two.bus.heal();
    for (const { log } of [one, two]) {
      await log.line(
        /ERROR cluster test: the gateway at at:3 has node id 3 as well/,
      );
    }
  });
});

Deno.test("what a gateway cannot tell of itself while the bus is away is not counted", async () => {
  const one = make(new MemoryBuses());
  await all([one], async () => {
    one.bus.cut();
    one.cluster.tell();
    assertEquals(one.bus.notCarried.away, 0);
    assert(!one.cluster.publish("command", new Uint8Array(1)));
    assertEquals(one.bus.notCarried.away, 1);
    await Promise.resolve();
  });
});

Deno.test("Cluster tells once that messages of another version come over its bus", async () => {
  const buses = new MemoryBuses();
  const [one, two] = [make(buses), make(buses)];
  two.bus.onCarried = (message) => {
    message[0] = 99;
    return message;
  };
  await all([one], async () => {
    await two.cluster.join();
    const told = /WARN cluster test: messages of another version come/;
    await one.log.line(told);
    two.cluster.tell();
    await eventually(() => one.counters.clusterDropped.unknown > 2);
    assertEquals(one.log.lines.filter((line) => told.test(line)).length, 1);
    await two.cluster.leave();
  });
});
