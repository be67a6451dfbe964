// What is longer than the gateway takes is refused at the call; the connection stays.

import { assert, assertEquals, assertThrows } from "@std/assert";
import { Box, RET, TcpClient } from "@maple/box";
import { WorkerError, type WorkerRequest } from "@maple/worker";
import { GatewayFixture } from "../helpers/gateway_fixture.ts";
import { PATIENCE_MS } from "../helpers/within.ts";
import { next, WorkerFixture } from "./worker_fixture.ts";

const LIMITS = { frameBytes: 1000, innerFrameBytes: 2000, outboxBytes: 100 };
// The headers of a Task and of a Box.
const TASK = 76;
const BOX = 24;
const MOST = LIMITS.innerFrameBytes - TASK - BOX;
const body = (bytes: number) => new Uint8Array(bytes);

function refused(bytes: number, call: () => unknown): void {
  const error = assertThrows(call, WorkerError);
  const expected = new RegExp(
    `^Cannot send ${bytes} bytes: gateway 127\\.0\\.0\\.1:\\d+ takes messages of up to 2000 \\(its option innerFrameBytes\\)$`,
  );
  assert(expected.test(error.message), error.message);
}

Deno.test("WorkerRequest refuses an answer that the gateway does not take", async () => {
  await using gateway = await GatewayFixture.start(LIMITS);
  await using worker = await WorkerFixture.attach(gateway, {
    register: (app) => {
      app.route(1, (request) => {
        refused(2001, () => request.writeToClient({ body: body(MOST + 1) }));
        return request.writeToClient({ body: body(MOST) });
      });
      app.route(2, (request) => request.writeToClient({ body: body(5000) }));
      app.route(3, (request: WorkerRequest) => {
        refused(
          2018,
          () => request.writeToUsers([[[-2], { body: body(MOST) }]]),
        );
        refused(2001, () => request.writeToWorker({ body: body(MOST + 1) }));
        refused(2001, () => worker.app.writeToWorker({ body: body(MOST + 1) }));
        return request.writeToClient({ body: "still here" });
      });
    },
  });
  await using client = await gateway.connect();
  await client.write({ cmd: 1 });
  // Longer than outboxBytes, and let through since nothing else waits.
  assertEquals((await next(client)).body.length, MOST);
  await client.write({ cmd: 2 });
  assertEquals((await next(client)).ret, RET.INTERNAL);
  await worker.log.line(/ERROR The handler of .*its option innerFrameBytes/);
  await client.write({ cmd: 3 });
  assertEquals((await next(client)).text(), "still here");
  const { workers, clients, clientsClosed } = gateway.gateway.stats();
  assertEquals([workers, clients, clientsClosed.outbox], [1, 1, 0]);
});

Deno.test("an answer of 5 MiB reaches its client, one of 17 MiB is refused, with the defaults", async () => {
  await using gateway = await GatewayFixture.start();
  await using worker = await WorkerFixture.attach(gateway, {
    register: (app) =>
      app.route(1, (request) => {
        const mib = Number(request.box.text());
        return request.writeToClient({ body: body(mib * 1024 * 1024) });
      }),
  });
  const { hostname, port } = gateway.outer;
  await using client = new TcpClient(Box, hostname, port, {
    timeout: PATIENCE_MS / 1000,
  });
  await client.connect();
  await client.write({ cmd: 1, body: "5" });
  assertEquals((await next(client)).body.length, 5 * 1024 * 1024);
  await client.write({ cmd: 1, body: "17" });
  assertEquals((await next(client)).ret, RET.INTERNAL);
  await worker.log.line(/17825892 bytes: gateway .* up to 16777216/);
  assertEquals(gateway.gateway.stats().workers, 1);
});

Deno.test("a handler that sends 80 MiB in one go takes the connection from nobody", async () => {
  await using gateway = await GatewayFixture.start();
  const long = body(1024 * 1024);
  await using _worker = await WorkerFixture.attach(gateway, {
    register: (app) => {
      app.route(1, (request) => {
        for (let i = 0; i < 80; i++) {
          assert(request.writeToUsers([[[9], { body: long }]]));
        }
        return request.writeToClient({ ret: 0 });
      });
    },
  });
  await using client = await gateway.connect();
  await client.write({ cmd: 1 });
  assertEquals((await next(client)).ret, 0);
  const { redelivered, innerClosed } = gateway.gateway.stats();
  assertEquals([redelivered, innerClosed.peer], [0, 0]);
});
