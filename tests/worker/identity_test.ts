// Who a worker tells its gateways that it is.

import { assertEquals } from "@std/assert";
import { Box, TaskCmd } from "@maple/box";
import { identityOf, programName } from "@maple/box/internal";
import config from "../../worker/deno.json" with { type: "json" };
import { GatewayFixture } from "../helpers/gateway_fixture.ts";
import { PlayedGateway } from "../helpers/played_gateway.ts";
import { call, WorkerFixture } from "./worker_fixture.ts";

Deno.test("programName() is the main module's file name without its extension", () => {
  for (
    const [module, name] of [
      ["file:///srv/game/table.ts", "table"],
      ["file:///srv/game/table.v2.ts", "table.v2"],
      ["file:///C:/srv/game%20table.mjs", "game table"],
      ["file:///srv/table", "table"],
      ["https://example.com/table.ts?v=1", "table"],
      ["file:///srv/100%.ts", "100%"],
      ["file:///", "worker"],
    ] as const
  ) {
    assertEquals(programName("worker", module), name, module);
  }
});

Deno.test("identityOf() adds process and host to what is told", () => {
  assertEquals(identityOf({ name: "table", concurrency: 4 }), {
    name: "table",
    concurrency: 4,
    pid: Deno.pid,
    host: Deno.hostname(),
  });
});

Deno.test({
  name: "identityOf() leaves out the host where it may not be known",
  permissions: { sys: false },
  fn() {
    assertEquals(
      Object.keys(identityOf({ name: "table", concurrency: 4 })),
      ["pid", "name", "concurrency"],
    );
  },
});

Deno.test("Worker says who it is in the body of the first ASK, and only there", async () => {
  using played = new PlayedGateway();
  const { port } = played;
  await using worker = new WorkerFixture();
  const attaching = worker.app.attach({ port, concurrency: 3, name: "table" });
  await using gateway = await played.accept({ greets: false });
  await gateway.greet();
  await attaching;
  const bodies: string[] = [];
  for (let i = 0; i < 3; i++) {
    const ask = await gateway.expect(TaskCmd.WORKER_ASK_FOR_TASK);
    bodies.push(new TextDecoder().decode(ask.body));
  }
  assertEquals(bodies.slice(1), ["", ""]);
  assertEquals(JSON.parse(bodies[0]!), {
    name: "table",
    pid: Deno.pid,
    host: Deno.hostname(),
    version: config.version,
    concurrency: 3,
    chains: true,
    groups: true,
  });
  await gateway.send({
    cmd: TaskCmd.CLIENT_REQ,
    ret: 7,
    body: new Box({ cmd: 1, body: "hi" }).pack(),
  });
  const ack = await gateway.expect(TaskCmd.WORKER_ASK_FOR_TASK);
  assertEquals([ack.ret, ack.body.length], [7, 0]);
});

Deno.test("a gateway knows a worker that says who it is, and serves it", async () => {
  await using gateway = await GatewayFixture.start();
  await using _worker = await WorkerFixture.attach(gateway, {
    attach: { name: "table" },
  });
  await using client = await gateway.connect();
  assertEquals((await call(client, { cmd: 1, body: "hi" })).text(), "hi");
  assertEquals(gateway.gateway.stats().badCommands, 0);
  const told = gateway.gateway.stats().workerLinks.map((
    { name, pid, host, version, concurrency, index },
  ) => ({ name, pid, host, version, concurrency, index }));
  assertEquals(told, [{
    name: "table",
    pid: Deno.pid,
    host: Deno.hostname(),
    version: config.version,
    concurrency: 64,
    index: undefined,
  }]);
});
