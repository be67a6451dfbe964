// ControlServer and ControlClient: what children tell each other, and the limits of it.

import { assert, assertEquals } from "@std/assert";
import { LineBox } from "@maple/box";
import { ControlClient, type ControlMessage } from "@maple/box/internal";
import { ControlServer } from "../../../box/process/control.ts";
import { eventually } from "../../helpers/eventually.ts";
import { LogCollector } from "../../helpers/log_collector.ts";

const MIB = 1024 * 1024;
const CHILD = { token: "child", index: 1 };

Deno.test("a child tells what fits into one message, and learns what does not", async () => {
  const got: [string, ControlMessage][] = [];
  const server = new ControlServer(new LogCollector(), {
    onMessage: (token, message) => {
      if (message.relay) got.push([token, message]);
    },
    onGone: () => {},
  });
  const client = await ControlClient.connect(server.port, CHILD, {
    onMasterGone: () => {},
    onMessage: () => {},
  });
  assertEquals(client.tell({ message: "x".repeat(4 * MIB) }), false);
  assertEquals(client.tell({ message: "x".repeat(3 * MIB), echo: true }), true);
  await eventually(() => got.length === 1);
  const relay = { message: "x".repeat(3 * MIB), echo: true };
  assert(got[0]![1].relay?.message === relay.message);
  const relayed: unknown[] = [];
  client.onRelayed = ({ message, own }) => relayed.push([message, own]);
  const full = server.sendAll(["child", "unknown"], {
    relayed: { message: { any: "thing" }, own: true, no: 1 },
  });
  assertEquals(full, []);
  await eventually(() => relayed.length === 1);
  assertEquals(relayed, [[{ any: "thing" }, true]]);
  client.close();
  assertEquals(client.tell({ message: 1 }), false);
  await server.close();
});

Deno.test("a child that does not read gets no more than its line holds, and keeps it", async () => {
  let gone = false;
  let known = false;
  const server = new ControlServer(new LogCollector(), {
    onMessage: () => known = true,
    onGone: () => gone = true,
  });
  using conn = await Deno.connect({ hostname: "127.0.0.1", port: server.port });
  await conn.write(new LineBox({ body: { token: "deaf" } }).pack());
  await eventually(() => known);
  const message = { relayed: { message: "x".repeat(MIB), own: false, no: 1 } };
  let sent = 0;
  while (server.sendAll(["deaf"], message).length === 0) {
    assert(++sent < 64, "the line takes everything");
  }
  assert(sent >= 16, `only ${sent} MiB were taken`);
  assertEquals(server.sendAll(["deaf"], message), ["deaf"]);
  assertEquals(gone, false);
  await server.close();
});
