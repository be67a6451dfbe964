// What is left of a handover in a cluster of which one side is killed, at messages of it: the other
// gateways do not notice, and always exactly one process has the place.

import { assert, assertEquals, assertRejects } from "@std/assert";
import { Box, TaskCmd, TcpClient } from "@maple/box";
import type { GatewayOptions, GatewayStats } from "@maple/gateway";
import { Trigger } from "@maple/trigger";
import { eventually } from "../helpers/eventually.ts";
import { handoverTest } from "../helpers/handover_test_case.ts";
import { hasNatsServer, NatsServer } from "../helpers/nats_server.ts";
import type { RunningProcess } from "../helpers/process.ts";
import { RawWorker } from "../helpers/raw_worker.ts";
import { GatewayHost } from "./chaos/gateway_host.ts";
import { at, READY, startGateway as start } from "./faulty_gateway.ts";
import type { Fault } from "./programs/handover_fault.ts";

/** A gateway with a user, and another one of its cluster. */
class Pair implements AsyncDisposable {
  readonly #stack = new AsyncDisposableStack();

  private constructor(
    readonly options: GatewayOptions,
    readonly nats: NatsServer,
    readonly gateway: RunningProcess,
    readonly other: GatewayHost,
  ) {}

  static async start(handover: string, fault?: Fault): Promise<Pair> {
    const stack = new AsyncDisposableStack();
    const nats = stack.use(await NatsServer.start());
    const options = { handover, cluster: nats.url };
    const gateway = stack.use(await start(options, fault));
    const other = stack.use(
      await GatewayHost.start({ cluster: nats.url, drainTimeout: 0 }),
    );
    const pair = new Pair(options, nats, gateway, other);
    pair.#stack.use(stack);
    await pair.until(({ cluster }) => cluster!.gateways.length === 2);
    return pair;
  }

  async until(condition: (stats: GatewayStats) => boolean): Promise<void> {
    await eventually(async () => condition(await this.other.stats()));
  }

  /** A user logs in; gives a function that looks whether the other gateway reaches him. */
  async user(): Promise<(text: string) => Promise<void>> {
    const [, outer, inner] = this.gateway.ready ??
      await this.gateway.line(READY);
    const hostname = "127.0.0.1";
    const worker = this.#stack.use(
      await RawWorker.attach({ hostname, port: Number(inner) }),
    );
    const client = this.#stack.adopt(
      new TcpClient(Box, hostname, Number(outer), { timeout: 20 }),
      (client) => client.close(),
    );
    await client.connect();
    await worker.ask();
    const created = await worker.expect(TaskCmd.CLIENT_CREATED);
    await worker.send(
      created.map({ cmd: TaskCmd.LOGIN_CLIENT, uid: 7, body: "" }),
    );
    const trigger = this.#stack.use(
      new Trigger(Box, hostname, this.other.inner.port),
    );
    await eventually(async () => (await trigger.online([7])).length === 1);
    // What may still come, once: its receipt says that the gateway has not answered.
    const unsure = new Set<string>();
    return async (text) => {
      const messages: [number[], { cmd: number; body: string }][] = [
        [[7], { cmd: 9, body: text }],
      ];
      unsure.add(text);
      const receipt = await trigger.writeToUsers(messages, { receipt: true });
      assertEquals(receipt, { delivered: 1, offline: [], complete: true });
      unsure.delete(text);
      for (;;) {
        const came = (await client.read())?.text();
        if (came === text) return;
        assert(unsure.delete(came!), `${came} has come before ${text}`);
      }
    };
  }

  /** The other gateway has noticed nothing. */
  async isWhole(): Promise<void> {
    // Longer than a gateway may be silent.
    await new Promise((resolve) => setTimeout(resolve, 4500));
    const { cluster, clusterLost } = await this.other.stats();
    assertEquals([cluster!.gateways.length, clusterLost], [2, 0]);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#stack.disposeAsync();
  }
}

function test(name: string, fn: (path: string) => Promise<void>): void {
  if (hasNatsServer) handoverTest(name, fn);
}

test("a gateway of a cluster whose successors are killed goes on, the others do not notice, and the next one takes its place", async (handover) => {
  await using pair = await Pair.start(handover);
  const reach = await pair.user();
  await reach("before");
  for (
    const fault of [
      at("send", "ASK", "after"),
      at("receive", "ANSWER", "after"),
      at("send", "TAKE", "after"),
      at("receive", "END", "after"),
      at("send", "MINE", "after"),
      at("receive", "YOURS", "after"),
    ]
  ) {
    await using dies = await start(pair.options, fault);
    assertEquals((await dies.finished()).signal, "SIGKILL");
    await reach(`without ${fault.message}`);
  }
  await using next = await start(pair.options);
  assert(next.ready![0].includes("generation=2"), next.ready![0]);
  assertEquals((await pair.gateway.finished()).code, 0);
  await reach("after");
  await pair.isWhole();
  await reach("later");
});

for (const message of ["YOURS", "SERVING"] as const) {
  const fault = at(message === "YOURS" ? "send" : "receive", message, "after");
  test(`the others of a cluster do not notice either when the gateway before is killed at ${message}`, async (handover) => {
    await using pair = await Pair.start(handover, fault);
    const reach = await pair.user();
    await using _next = await start(pair.options);
    assertEquals((await pair.gateway.finished()).signal, "SIGKILL");
    await reach("after");
    await pair.isWhole();
    await reach("later");
  });
}

test("a gateway whose bus is away hands over all the same, and both are one with the others when it is back", async (handover) => {
  await using nats = await NatsServer.start();
  const options = { handover, cluster: nats.url };
  await using first = await start(options);
  await using other = await GatewayHost.start({
    ...{ cluster: nats.url, drainTimeout: 0 },
  });
  const until = (wanted: "alone" | "whole", count: number) =>
    eventually(async () => {
      const { cluster } = await other.stats();
      return cluster!.state === wanted && cluster!.gateways.length === count;
    }, { timeout: 30_000 });
  await until("whole", 2);
  await nats.kill();
  await until("alone", 2);
  await using next = await start(options);
  assert(next.ready![0].includes("generation=2"), next.ready![0]);
  assertEquals((await first.finished()).code, 0);
  await nats.restart();
  await until("whole", 2);
  assertEquals((await other.stats()).clusterLost, 0);
});

for (
  const [moment, fault] of [
    ["the beginning", undefined],
    ["the middle of it", at("send", "ASK", "after", "stop")],
  ] as const
) {
  test(`a gateway is handed over though the bus has stood still since ${moment}: nothing comes twice, and who has not got a message is told`, async (handover) => {
    await using pair = await Pair.start(handover);
    const reach = await pair.user();
    await reach("before");
    await using next = fault && await start(pair.options, fault);
    if (next) await untilStopped(next.pid);
    pair.nats.signal("SIGSTOP");
    await untilStopped(pair.nats.pid);
    const during = assertRejects(() => reach("during"), Error, "missingNodes");
    next?.kill("SIGCONT");
    await using late = next ? undefined : await start(pair.options);
    const [ready] = next ? await next.line(READY) : late!.ready!;
    assert(ready.includes("generation=2"), ready);
    assertEquals((await pair.gateway.finished()).code, 0);
    pair.nats.signal("SIGCONT");
    await during;
    await pair.until(({ cluster }) =>
      cluster!.state === "whole" && cluster!.gateways.length === 2
    );
    await reach("after");
    await reach("later");
    assertEquals((await pair.other.stats()).clusterLost, 0);
  });
}

/** Waits until all threads of a process stand still. */
function untilStopped(pid: number): Promise<void> {
  return eventually(async () => {
    const tasks = `/proc/${pid}/task`;
    const ids = [...Deno.readDirSync(tasks)].map(({ name }) => name);
    const stats = await Promise.all(
      ids.map((id) => Deno.readTextFile(`${tasks}/${id}/stat`)),
    );
    return stats.every((stat) => /\) T /.test(stat));
  });
}
