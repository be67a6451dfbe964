// A gateway that comes for one that leaves, with its number: what is for a client of the one is not
// taken for one of the other.

import { assertEquals } from "@std/assert";
import { Box, type Task, TaskCmd } from "@maple/box";
import { eventually } from "../../helpers/eventually.ts";
import { GatewayFixture } from "../../helpers/gateway_fixture.ts";
import { MemoryBuses } from "../../helpers/memory_bus.ts";
import {
  type Client,
  connectSeen,
  textRead,
} from "../inner/command_support.ts";

const NODE = 3;

Deno.test("a client of a gateway that leaves is answered through the one that comes with its number, and the other way round", async () => {
  const buses = new MemoryBuses();
  const start = (more = {}) =>
    GatewayFixture.start({ bus: buses.make(), nodeId: NODE, ...more });
  await using old = await start({ lameDuck: 60, lameDuckNotice: 60 });
  await using atOld = await old.attach();
  const [stays, ofOld] = await connectSeen(old, atOld);
  await using _stays = stays;
  const left = old.gateway.close();
  await using next = await start();
  await using atNext = await next.attach();
  const [comes, ofNext] = await connectSeen(next, atNext);
  await using _comes = comes;
  assertEquals([ofOld.nodeId, ofNext.nodeId], [NODE, NODE]);
  await eventually(() =>
    [old, next].every(({ gateway }) =>
      gateway.stats().cluster?.gateways.length === 2
    )
  );
  const answer = (created: Task, word: string) =>
    created.map({
      cmd: TaskCmd.WRITE_TO_CLIENT,
      body: new Box({ cmd: 1, body: word }).pack(),
    });
  const gets = async (client: Client, word: string) =>
    assertEquals(await textRead(client), word);
  await atNext.send(answer(ofOld, "stays"));
  await gets(stays, "stays");
  await atOld.send(answer(ofNext, "comes"));
  await gets(comes, "comes");
  await atNext.send(answer(ofNext, "own"));
  await gets(comes, "own");
  await old.gateway.closeNow();
  await left;
});
