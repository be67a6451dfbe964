// LocalBus and Relay: what the processes of one gateway tell each other, by way of their parent.

import { assert, assertEquals, assertRejects } from "@std/assert";
import { LocalBus } from "../../../gateway/cluster/local_bus.ts";
import { Relay } from "../../../gateway/cluster/relay.ts";
import { Box, TaskCmd } from "@maple/box";
import { eventually } from "../../helpers/eventually.ts";
import { GatewayFixture } from "../../helpers/gateway_fixture.ts";
import { LogCollector } from "../../helpers/log_collector.ts";

const WAITING_BYTES = 1024 * 1024;

function relayOf(log = new LogCollector()): Relay {
  return new Relay({
    clusterName: "test",
    waitingBytes: WAITING_BYTES,
    logger: log,
  });
}

/** A bus, and what has come by it. */
class Heard implements AsyncDisposable {
  readonly bus: LocalBus;
  readonly texts: string[] = [];
  readonly gone: number[] = [];
  readonly states: [boolean, string][] = [];

  private constructor(bus: LocalBus) {
    this.bus = bus;
  }

  static async open({ address }: Relay, node: number): Promise<Heard> {
    const heard = new Heard(
      new LocalBus({ ...address, node, waitingBytes: WAITING_BYTES }),
    );
    await heard.bus.open({
      onMessage: (message) =>
        heard.texts.push(
          message.length > 100 ? `${message.length}` : text(message),
        ),
      onState: (isUp, why) => heard.states.push([isUp, why]),
      onGone: (node) => heard.gone.push(node),
    });
    heard.bus.listenAs(node);
    return heard;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.bus.close();
  }
}

function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

Deno.test("a relay passes on to all others, or to one, in order, and never back", async () => {
  await using relay = relayOf();
  await using a = await Heard.open(relay, 0);
  await using b = await Heard.open(relay, 1);
  await using c = await Heard.open(relay, 2);
  assert(a.bus.publish(bytes("to all")));
  assert(a.bus.send(1, bytes("to b")));
  assert(a.bus.send(7, bytes("to nobody")));
  assert(a.bus.publish(new Uint8Array(a.bus.maxBytes)));
  assert(a.bus.publish(new Uint8Array(0)));
  const all = ["to all", `${a.bus.maxBytes}`, ""];
  await eventually(() => b.texts.length === 4 && c.texts.length === 3);
  assertEquals(b.texts, [all[0], "to b", all[1], all[2]]);
  assertEquals(c.texts, all);
  assertEquals(a.texts, []);
  assertEquals(a.bus.notCarried, { away: 0, full: 0, late: 0, cut: 0 });
});

Deno.test("a relay tells the others at once of one that is gone", async () => {
  await using relay = relayOf();
  await using a = await Heard.open(relay, 0);
  const b = await Heard.open(relay, 1);
  // It has arrived: what comes later is in order.
  b.bus.publish(bytes("b is there"));
  await eventually(() => a.texts.length === 1);
  await b.bus.close();
  await eventually(() => a.gone.length === 1);
  assertEquals(a.gone, [1]);
  assertEquals(b.bus.publish(bytes("too late")), false);
  assertEquals(b.bus.notCarried.away, 1);
});

Deno.test("a relay lets nobody in who does not know the secret", async () => {
  await using relay = relayOf();
  await using a = await Heard.open(relay, 0);
  const stranger = new LocalBus({
    ...relay.address,
    ...{ secret: "x".repeat(relay.address.secret.length) },
    ...{ node: 1, waitingBytes: WAITING_BYTES },
  });
  const receiver = { onMessage() {}, onState() {} };
  await assertRejects(
    () => stranger.open(receiver),
    Error,
    "Cannot reach the parent process",
  );
  assertEquals([stranger.isUp, stranger.publish(bytes("x"))], [false, false]);
  using conn = await Deno.connect({
    hostname: "127.0.0.1",
    port: relay.address.port,
  });
  await conn.write(bytes("GET / HTTP/1.1\r\n\r\n"));
  assertEquals(await conn.read(new Uint8Array(1)), null);
  assertEquals(a.texts, []);
});

Deno.test("the end of the parent is told to its processes", async () => {
  const relay = relayOf();
  await using a = await Heard.open(relay, 0);
  await relay[Symbol.asyncDispose]();
  await eventually(() => a.states.length === 1);
  assertEquals(a.states, [[false, "the parent process is gone"]]);
  assertEquals([a.bus.isUp, a.bus.publish(bytes("x"))], [false, false]);
});

Deno.test("a process that does not read gets no more than there is room for, the others all", async () => {
  const log = new LogCollector();
  await using relay = relayOf(log);
  await using a = await Heard.open(relay, 0);
  await using b = await Heard.open(relay, 1);
  // It knows the secret and never reads.
  using frozen = await Deno.connect({
    hostname: "127.0.0.1",
    port: relay.address.port,
  });
  const secret = bytes(relay.address.secret);
  const hello = new Uint8Array(9 + secret.length);
  new DataView(hello.buffer).setInt32(0, hello.length);
  hello[4] = 1;
  hello.set(secret, 9);
  await frozen.write(hello);
  const message = new Uint8Array(200 * 1024);
  let sent = 0;
  while (relay.dropped === 0 && sent < 1000) {
    if (a.bus.publish(message)) sent++;
    await eventually(() => b.texts.length === sent);
  }
  assert(relay.dropped > 0, "all was kept");
  assert(log.lines.some((line) => /does not read/.test(line)));
  assertEquals(b.texts.length, sent);
});

Deno.test("gateways with a local bus are one: a message to a user of the other, and its answer", async () => {
  await using relay = relayOf();
  const { clusterName } = relay.address;
  const start = (node: number) =>
    GatewayFixture.start({
      bus: new LocalBus({
        ...relay.address,
        ...{ node, waitingBytes: WAITING_BYTES },
      }),
      ...{ clusterName, nodeId: node },
    });
  await using a = await start(0);
  await using b = await start(1);
  assertEquals([a.gateway.nodeId, b.gateway.nodeId], [0, 1]);
  await using client = await b.connectBox();
  await using worker = await b.attach();
  await worker.ask();
  const created = await worker.next();
  await worker.send({
    cmd: TaskCmd.LOGIN_CLIENT,
    ...{ connId: created!.connId, tag: created!.tag, uid: 5n },
    nodeId: created!.nodeId,
  });
  await b.until(({ users }) => users === 1);
  await a.until(({ cluster }) => cluster?.gateways.length === 2);
  await using trigger = await a.attach();
  await trigger.send({
    cmd: TaskCmd.WRITE_TO_CLIENT,
    ...{ connId: created!.connId, tag: created!.tag, nodeId: created!.nodeId },
    body: new Box({ cmd: 9, body: "by the other" }).pack(),
  });
  assertEquals((await client.read())?.text(), "by the other");
});
