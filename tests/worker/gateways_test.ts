// A worker and its gateways: away, back again, several of them.

import { assert, assertEquals } from "@std/assert";
import { SpecialUid } from "@maple/box";
import { eventually } from "../helpers/eventually.ts";
import { freePort } from "../helpers/free_port.ts";
import { GatewayFixture } from "../helpers/gateway_fixture.ts";
import {
  addressOf,
  call,
  echo,
  next,
  sendBack,
  WorkerFixture,
} from "./worker_fixture.ts";

Deno.test("Worker attaches again when its gateway comes back", async () => {
  const events: string[] = [];
  const first = await GatewayFixture.start();
  const { port } = addressOf(first);
  await using worker = await WorkerFixture.attach(first, {
    register: (app) => {
      echo(app);
      app.openConn(() => events.push("open"));
      app.closeConn(() => events.push("close"));
    },
  });
  await first[Symbol.asyncDispose]();
  await worker.log.line(/^WARN lost gateway 127\.0\.0\.1:\d+: /);
  await using second = await GatewayFixture.start({ innerPort: port });
  await using client = await second.connect();
  assertEquals((await call(client, { cmd: 1, body: "back" })).text(), "back");
  assertEquals(events, ["open", "close", "open"]);
});

Deno.test("Worker waits for a gateway that is not there yet, and says so once", async () => {
  const port = freePort();
  await using worker = new WorkerFixture();
  const attached = worker.app.attach({ port });
  await worker.log.line(/^WARN cannot reach gateway 127\.0\.0\.1:\d+, trying/);
  await using gateway = await GatewayFixture.start({ innerPort: port });
  await attached;
  await using client = await gateway.connect();
  assertEquals((await call(client, { cmd: 1, body: "late" })).text(), "late");
  assertEquals(worker.log.complaints.length, 1);
});

Deno.test("Worker asks a gateway that turns it away each second, not all the time", async () => {
  await using gateway = await GatewayFixture.start({ innerConnsMax: 1 });
  await using taken = await gateway.attach();
  await gateway.until((stats) => stats.innerLinks === 1);
  await using worker = new WorkerFixture();
  const start = performance.now();
  const attaching = worker.app.attach(addressOf(gateway));
  await worker.log.line(
    /^WARN gateway \S+ does not let this worker in, .* \(its option innerConnsMax\)/,
  );
  // A second one comes a second after the first.
  await gateway.until((stats) => stats.innerRefused === 2);
  assert(performance.now() - start > 900);
  taken.close();
  await attaching;
});

Deno.test("Worker serves several gateways, one that is away disturbs nobody", async () => {
  const jobs: string[] = [];
  await using a = await GatewayFixture.start({ nodeId: 1 });
  const b = await GatewayFixture.start({ nodeId: 2 });
  await using worker = new WorkerFixture({
    register: (app) => {
      app.route(1, (request) => {
        request.writeToClient({ body: `node ${request.task.nodeId}` });
      });
      app.route(2, (request) => void jobs.push(request.box.text()));
      app.route(3, (request) => {
        request.loginClient(5);
        return sendBack(request);
      });
    },
  });
  const away = { port: freePort() };
  await worker.app.attach({ gateways: [away, addressOf(a), addressOf(b)] });
  await using atA = await a.connect();
  const atB = await b.connect();
  assertEquals((await call(atA, { cmd: 1 })).text(), "node 1");
  assertEquals((await call(atB, { cmd: 1 })).text(), "node 2");

  // Not to all of them, since one is away: so it is false.
  assertEquals(
    worker.app.writeToUsers([[[SpecialUid.ALL], { body: "all" }]]),
    false,
  );
  assertEquals((await next(atA)).text(), "all");
  assertEquals((await next(atB)).text(), "all");

  for (let i = 0; i < 4; i++) {
    assert(worker.app.writeToWorker({ cmd: 2, body: `job ${i}` }));
  }
  await eventually(() => jobs.length === 4);
  assertEquals(jobs.toSorted(), ["job 0", "job 1", "job 2", "job 3"]);
  const served = [a, b].map(({ gateway }) => gateway.stats().delivered);
  // Each was sent two jobs or so, besides its client's coming and request.
  assert(served.every((count) => count > 2), `${served}`);

  await atB[Symbol.asyncDispose]();
  await b[Symbol.asyncDispose]();
  await worker.log.line(/^WARN lost gateway/);
  assertEquals((await call(atA, { cmd: 1 })).text(), "node 1");
  assert(worker.app.writeToWorker({ cmd: 2, body: "on" }));
  assert(worker.app.writeToWorker({ cmd: 2, body: "on" }));
  await eventually(() => jobs.length === 6);
});

Deno.test("Worker.writeToUsers() and closeUsers() go to all gateways", async () => {
  await using a = await GatewayFixture.start();
  await using b = await GatewayFixture.start();
  await using worker = await WorkerFixture.attach([a, b], {
    register: (app) =>
      app.route(1, (request) => {
        request.loginClient(5);
        return sendBack(request);
      }),
  });
  await using atA = await a.connect();
  await using atB = await b.connect();
  await call(atA, { cmd: 1 });
  await call(atB, { cmd: 1 });
  assert(worker.app.writeToUsers([[[5], { body: "both" }]]));
  assertEquals((await next(atA)).text(), "both");
  assertEquals((await next(atB)).text(), "both");
  assert(worker.app.closeUsers([5]));
  assertEquals(await atA.read(), null);
  assertEquals(await atB.read(), null);
});

Deno.test("WorkerRequest.writeToWorker() keeps the client's address, IPv6 too", async () => {
  await using gateway = await GatewayFixture.start({ outerHost: "::1" })
    .catch(() => GatewayFixture.start());
  await using _worker = await WorkerFixture.attach(gateway, {
    register: (app) => {
      app.route(1, (request) => request.writeToWorker({ cmd: 2 }));
      app.route(2, (request) => {
        request.writeToClient({ body: request.clientAddress });
      });
    },
  });
  await using client = await gateway.connect();
  const { hostname } = gateway.outer;
  assertEquals((await call(client, { cmd: 1 })).text(), hostname);
  assertEquals((await call(client, { cmd: 2 })).text(), hostname);
});
