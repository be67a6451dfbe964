// Over a real nats-server.

import { assert, assertEquals, assertRejects } from "@std/assert";
import type { BusReceiver } from "@maple/gateway";
import { NatsBus } from "../../../gateway/cluster/nats_bus.ts";
import { parseNatsServers } from "../../../gateway/cluster/nats_servers.ts";
import { eventually } from "../../helpers/eventually.ts";
import { LogCollector } from "../../helpers/log_collector.ts";
import { hasNatsServer, NatsServer } from "../../helpers/nats_server.ts";
import { SecretFile } from "../../helpers/secret_file.ts";

interface Heard extends BusReceiver {
  messages: Uint8Array[];
  states: string[];
}

function receiver(): Heard {
  const messages: Uint8Array[] = [];
  const states: string[] = [];
  return {
    messages,
    states,
    onMessage: (message) => messages.push(message),
    onState: (isUp, why) => states.push(`${isUp ? "up" : "down"}: ${why}`),
  };
}

interface Opened extends AsyncDisposable {
  bus: NatsBus;
  heard: Heard;
  log: LogCollector;
}

async function open(
  url: string,
  { clusterName = "test", bytesMax = 1_000_000, credsFile = "", node = 0 }: {
    readonly clusterName?: string;
    readonly bytesMax?: number;
    readonly credsFile?: string;
    readonly node?: number;
  } = {},
): Promise<Opened> {
  const log = new LogCollector();
  const bus = new NatsBus({
    servers: parseNatsServers("cluster", url, (line) => new Error(line)),
    credentials: { credsFile, caFile: "", certFile: "", keyFile: "" },
    clusterName,
    bytesMax,
    logger: log,
  });
  bus.listenAs(node);
  const heard = receiver();
  await bus.open(heard);
  return { bus, heard, log, [Symbol.asyncDispose]: () => bus.close() };
}

const bytes = (...values: number[]) => Uint8Array.from(values);

const natsTest = (name: string, fn: () => Promise<void>) =>
  Deno.test({ name, ignore: !hasNatsServer, fn });

natsTest(
  "NatsBus carries to all others, to one, and not to another cluster",
  async () => {
    await using server = await NatsServer.start();
    await using a = await open(server.url);
    await using b = await open(server.url, { node: -7 });
    await using c = await open(server.url);
    await using other = await open(server.url, { clusterName: "other" });
    assert(a.bus.isUp);
    assert(a.bus.publish(bytes(1)));
    assert(a.bus.send(-7, bytes(2)));
    assert(a.bus.publish(bytes(3)));
    await eventually(() => b.heard.messages.length === 3);
    await eventually(() => c.heard.messages.length === 2);
    assertEquals(b.heard.messages, [bytes(1), bytes(2), bytes(3)]);
    assertEquals(c.heard.messages, [bytes(1), bytes(3)]);
    assertEquals([a.heard.messages, other.heard.messages], [[], []]);
  },
);

natsTest("NatsBus keeps the order and the bytes of many messages", async () => {
  await using server = await NatsServer.start();
  await using a = await open(server.url, { bytesMax: 100_000_000 });
  await using b = await open(server.url);
  const COUNT = 3000;
  for (let i = 0; i < COUNT; i++) {
    assert(a.bus.publish(new Uint8Array(i * 7 % 5000 + 4).fill(i)));
  }
  await eventually(() => b.heard.messages.length === COUNT);
  for (const [i, message] of b.heard.messages.entries()) {
    assertEquals(message.length, i * 7 % 5000 + 4);
    assert(message.every((byte) => byte === i % 256), `message ${i}`);
  }
});

natsTest("NatsBus without a server is away, and up when it comes", async () => {
  await using server = await NatsServer.start();
  await server.kill();
  await using a = await open(server.url);
  assert(!a.bus.isUp);
  assert(!a.bus.publish(bytes(1)));
  assertEquals(a.bus.notCarried, { away: 1, full: 0, late: 0, cut: 0 });
  await server.restart();
  await eventually(() => a.bus.isUp);
  assertEquals(a.heard.states.length, 2);
  assert(a.heard.states[1]!.startsWith("up: 127.0.0.1:"));
});

natsTest(
  "NatsBus is back when its server was killed and is back; what it was given meanwhile is not sent later",
  async () => {
    await using server = await NatsServer.start();
    await using a = await open(server.url);
    await using b = await open(server.url, { node: 5 });
    await server.kill();
    await eventually(() => !a.bus.isUp && !b.bus.isUp);
    assert(!a.bus.publish(bytes(1)));
    await server.restart();
    await eventually(() => a.bus.isUp && b.bus.isUp);
    assert(a.bus.publish(bytes(2)));
    assert(a.bus.send(5, bytes(3)));
    await eventually(() => b.heard.messages.length === 2);
    assertEquals(b.heard.messages, [bytes(2), bytes(3)]);
    assertEquals(a.bus.notCarried.away, 1);
  },
);

natsTest(
  "NatsBus takes no more than it may, and after two seconds nothing, while its server is frozen",
  async () => {
    await using server = await NatsServer.start();
    await using a = await open(server.url, { bytesMax: 100_000 });
    await using b = await open(server.url);
    server.signal("SIGSTOP");
    try {
      let carried = 0;
      while (a.bus.publish(new Uint8Array(1000))) carried++;
      assertEquals(carried, 100);
      assertEquals(a.bus.notCarried, { away: 0, full: 1, late: 0, cut: 0 });
      await eventually(() => !a.bus.isUp);
      assert(!a.bus.publish(bytes(1)));
      assertEquals(a.bus.notCarried, { away: 0, full: 1, late: 1, cut: 0 });
    } finally {
      server.signal("SIGCONT");
    }
    await eventually(() => a.bus.isUp);
    // What it took comes late, and all of it.
    await eventually(() => b.heard.messages.length === 100);
    assert(a.bus.publish(bytes(9)));
    await eventually(() => b.heard.messages.length === 101);
  },
);

natsTest(
  "NatsBus gives a server up that stays frozen, and goes to another one",
  async () => {
    await using one = await NatsServer.start();
    await using two = await NatsServer.start();
    await using a = await open(`${one.url},${two.url}`);
    const [frozen, other] = a.heard.states[0]!.endsWith(`:${one.port}`)
      ? [one, two]
      : [two, one];
    frozen.signal("SIGSTOP");
    try {
      for (let i = 0; i < 3; i++) assert(a.bus.publish(bytes(i)));
      await eventually(() => a.heard.states.length === 3, { timeout: 60_000 });
      assertEquals(a.heard.states, [
        `up: 127.0.0.1:${frozen.port}`,
        `down: 127.0.0.1:${frozen.port} gives no sign of life`,
        `up: 127.0.0.1:${other.port}`,
      ]);
      assertEquals(a.bus.notCarried.cut, 3);
      await using b = await open(other.url);
      assert(a.bus.publish(bytes(1)));
      await eventually(() => b.heard.messages.length === 1);
    } finally {
      frozen.signal("SIGCONT");
    }
  },
);

natsTest(
  "NatsBus waits for a server that has too many connections",
  async () => {
    await using config = new SecretFile("max_connections: 1");
    await using server = await NatsServer.start({ args: ["-c", config.path] });
    const a = await open(server.url);
    await using b = await open(server.url);
    assertEquals(b.bus.isUp, false);
    await a.bus.close();
    await eventually(() => b.bus.isUp);
  },
);

natsTest(
  "NatsBus is not used where its user may not say and hear what is needed",
  async () => {
    await using config = new SecretFile(
      `authorization { users = [
        { user: all, password: p, permissions: { publish: "maple.test.>", subscribe: "maple.test.>" } }
        { user: deaf, password: p, permissions: { publish: "maple.test.>", subscribe: "other" } }
        { user: mute, password: p, permissions: { publish: "other", subscribe: "maple.test.>" } } ] }`,
    );
    await using server = await NatsServer.start({ args: ["-c", config.path] });
    const at = `127.0.0.1:${server.port}`;
    await using a = await open(`nats://all:p@${at}`);
    await using b = await open(`nats://all:p@${at}`);
    assert(a.bus.publish(bytes(1)));
    await eventually(() => b.heard.messages.length === 1);
    const { message } = await assertRejects(
      () => open(`nats://deaf:p@${at}`),
      Error,
    );
    assertEquals(
      message,
      `the NATS server at ${at} cannot be used: Permissions Violation for Subscription to "maple.test.node.0"`,
    );
    await using mute = await open(`nats://mute:p@${at}`);
    for (let i = 0; i < 3; i++) mute.bus.publish(bytes(1));
    await mute.log.line(
      /ERROR cluster: Permissions Violation for Publish to "maple\.test\.all"/,
    );
  },
);

for (
  const [what, args, right, wrong] of [
    ["a user", ["--user", "u", "--pass", "p@1"], "u:p%401@", "u:p2@"],
    ["a token", ["--auth", "t0k"], "t0k@", "t1k@"],
  ] as const
) {
  natsTest(
    `NatsBus shows ${what}, and is refused with one line for another`,
    async () => {
      await using server = await NatsServer.start({ args: [...args] });
      const at = `127.0.0.1:${server.port}`;
      await using a = await open(`nats://${right}${at}`);
      assert(a.bus.isUp);
      for (const shown of [wrong, ""]) {
        const { message } = await assertRejects(
          () => open(`nats://${shown}${at}`),
          Error,
        );
        assertEquals(
          message,
          `the NATS server at ${at} cannot be used: Authorization Violation`,
        );
      }
    },
  );
}

natsTest(
  "NatsBus tells a server of something else from one of NATS",
  async () => {
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const served = (async () => {
      for await (const conn of listener) {
        await conn.write(new TextEncoder().encode("SSH-2.0-x\r\n"));
        conn.close();
      }
    })();
    await using a = await open(`nats://127.0.0.1:${listener.addr.port}`);
    listener.close();
    await served;
    assertEquals(a.heard.states, [
      `down: 127.0.0.1:${listener.addr.port}: it is no NATS server`,
    ]);
  },
);
