// Users whose connection moves from a gateway of a cluster that leaves to another one: what is sent
// to them all the while.

import { assertEquals } from "@std/assert";
import { Box, Client } from "@maple/box";
import { SILENT } from "@maple/box/internal";
import { Trigger } from "@maple/trigger";
import { Worker } from "@maple/worker";
import { eventually } from "../../helpers/eventually.ts";
import { GatewayFixture } from "../../helpers/gateway_fixture.ts";
import { MemoryBuses } from "../../helpers/memory_bus.ts";
import { within } from "../../helpers/within.ts";

const MOVE = 98;
const NEWS = 9;
const USERS = 20;

Deno.test({
  name:
    "no message to a user is lost while his connection moves to another gateway of the cluster",
  // Elsewhere two gateways do not share a port.
  ignore: Deno.build.os !== "linux",
  async fn() {
    const buses = new MemoryBuses();
    const shared = {
      io: "epoll",
      reusePort: true,
      moveCmd: MOVE,
      lameDuck: 0.5,
      lameDuckNotice: 0,
      moveTimeout: 60,
    } as const;
    await using old = await GatewayFixture.start({
      ...shared,
      bus: buses.make(),
    });
    await using worker = new Worker(Box, { logger: SILENT });
    worker.route(1, (request) => {
      request.loginClient(Number(request.box!.text()));
      return {};
    });
    const { port } = old.gateway.outerAddr!;
    await worker.attach({ host: "127.0.0.1", port: old.inner.port });
    await old.until(({ workers }) => workers === 1);
    const got = Array.from({ length: USERS }, () => new Map<number, number>());
    await using clients = new AsyncDisposableStack();
    for (const [i, news] of got.entries()) {
      const client = clients.use(new Client(Box, { moveCmd: MOVE }));
      client.onConnect((session) =>
        session.request({ cmd: 1, body: String(i + 1) })
      );
      client.on(NEWS, (box) => {
        const no = Number(box.text());
        news.set(no, 1 + (news.get(no) ?? 0));
      });
      await client.connect(`tcp://127.0.0.1:${port}`);
    }
    await using next = await GatewayFixture.start({
      ...shared,
      bus: buses.make(),
      outerPort: port,
    });
    // Workers find it by the list.
    await next.until(({ workers }) => workers === 1);
    await using trigger = new Trigger(Box, "127.0.0.1", next.inner.port, {
      logger: SILENT,
    });
    const uids = got.map((_, i) => i + 1);
    let sent = 0;
    let isOver = false;
    const send = () =>
      trigger.writeToUsers([[uids, { cmd: NEWS, body: String(++sent) }]]);
    const sending = (async () => {
      while (!isOver) await send();
    })();
    await within(old.gateway.close(), "the end of the old gateway", 60_000);
    isOver = true;
    await sending;
    await send();
    await eventually(() => got.every((news) => news.has(sent)));
    const missed = got.flatMap((news) =>
      Array.from({ length: sent }, (_, i) => i + 1).filter((no) =>
        !news.has(no)
      )
    );
    // Twice it may come, where both gateways know the user for the moment that the bus takes.
    assertEquals(missed, []);
    assertEquals(old.gateway.stats().moves.asked, USERS);
  },
});
