// Light gateways: stand-ins for many gateways, which tell each other what real ones do and hold no
// clients; all in this process, each with a connection of its own to a nats-server.
//
//     light_gateways.ts nats://HOST:PORT GATEWAYS LOGINS PER_MESSAGE MESSAGES SECONDS
//
// LOGINS and MESSAGES are a second, of all gateways together; PER_MESSAGE logins are told in one.
// It says "ready" when each knows all others, begins at a line on stdin, and says in JSON how much
// has come, and the processor seconds that this took.

import { cpuUsage } from "node:process";
import { setImmediate } from "node:timers";
import { encodeRspToUsers, Task, TaskCmd, TaskOffset } from "@maple/box";
import {
  createLogger,
  readRspToUsers,
  SessionTable,
} from "@maple/box/internal";
import { Cluster } from "../../gateway/cluster/cluster.ts";
import { UNTOLD } from "../../gateway/cluster/hello.ts";
import {
  encodeLogins,
  type LoginRow,
  readLogins,
} from "../../gateway/cluster/login_rows.ts";
import { NatsBus } from "../../gateway/cluster/nats_bus.ts";
import { parseNatsServers } from "../../gateway/cluster/nats_servers.ts";
import { newCounters } from "../../gateway/metrics/counter_values.ts";
import { BODY_BYTES, type LightResult } from "../run/light_result.ts";

const BYTES_MAX = 64 * 1024 * 1024;
const TICK_MS = 5;

const [url, ...numbers] = Deno.args;
const [gateways = 0, logins = 0, perMessage = 1, messages = 0, seconds = 1] =
  numbers.map(Number);

const sessions = new SessionTable<never>();
const received = { logins: 0, messages: 0 };
let sent = 0;

function lightGateway(): Cluster {
  const logger = createLogger({ role: "light", level: "ERROR" });
  const bus = new NatsBus({
    servers: parseNatsServers("the server", url!, (why) => new Error(why)),
    credentials: { credsFile: "", caFile: "", certFile: "", keyFile: "" },
    clusterName: "light",
    bytesMax: BYTES_MAX,
    logger,
  });
  const cluster = new Cluster({
    ...{ name: "light", bus, nodeId: undefined, logger },
    ...{ counters: newCounters(), bytesMax: BYTES_MAX },
    afterOthers: (work) => setImmediate(work),
    hello: () => ({ ...UNTOLD, state: "serving" }),
  });
  cluster.on("logins", (body) => {
    readLogins(body, (uid) => {
      received.logins++;
      sessions.ofUser(uid);
    });
  });
  cluster.on("command", (frame) => {
    received.messages++;
    readRspToUsers(frame.subarray(TaskOffset.body), (row) => {
      sessions.forEachSelected(row, () => {});
      return true;
    });
  });
  return cluster;
}

function someLogins(): Uint8Array {
  const rows = Array.from({ length: perMessage }, (): LoginRow => ({
    uid: 1 + Math.floor(Math.random() * 10_000_000),
    stamp: Date.now(),
  }));
  return encodeLogins(rows);
}

function messageToOne(): Uint8Array {
  const uid = 1 + Math.floor(Math.random() * 10_000_000);
  const buf = new Uint8Array(BODY_BYTES);
  const body = encodeRspToUsers([{
    uids: [uid],
    userdata: 0,
    exclude: [],
    buf,
  }]);
  return new Task({ cmd: TaskCmd.WRITE_TO_USERS, body }).pack();
}

const all: Cluster[] = [];
for (let i = 0; i < gateways; i++) all.push(lightGateway());
// One after the other would take half a second each.
await Promise.all(all.map((cluster) => cluster.join()));
while (all.some(({ members }) => members.size < gateways - 1)) {
  await new Promise((resolve) => setTimeout(resolve, 100));
}
console.log("ready");
await Deno.stdin.read(new Uint8Array(16));

const cpuBefore = cpuUsage();
const before = performance.now();
received.logins = received.messages = 0;
let turn = 0;
let loginsSent = 0;
let messagesSent = 0;
await new Promise<void>((resolve) => {
  const timer = setInterval(() => {
    const elapsed = (performance.now() - before) / 1000;
    const due = (rate: number) => Math.floor(rate * Math.min(elapsed, seconds));
    while (loginsSent + perMessage <= due(logins)) {
      if (all[turn++ % gateways]!.publish("logins", someLogins())) sent++;
      loginsSent += perMessage;
    }
    while (messagesSent < due(messages)) {
      if (all[turn++ % gateways]!.publish("command", messageToOne())) sent++;
      messagesSent++;
    }
    if (elapsed < seconds) return;
    clearInterval(timer);
    resolve();
  }, TICK_MS);
});
const { user, system } = cpuUsage(cpuBefore);
const result: LightResult = {
  seconds: (performance.now() - before) / 1000,
  cpu: (user + system) / 1e6,
  sent,
  received,
};
console.log(JSON.stringify(result));
Deno.exit(0);
