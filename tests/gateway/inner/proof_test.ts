// Who is let in at the inner port of a gateway with secrets, and what each role may do there.

import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { Box, Task, TaskCmd, TaskFlag } from "@maple/box";
import {
  challengeOf,
  createLogger,
  decodeGreeting,
  decodeReceipt,
  hello,
  type InnerRole,
  proofFrame,
  queryTask,
  Secret,
  writeToUsersTask,
} from "@maple/box/internal";
import { Gateway, GatewayError, type GatewayOptions } from "@maple/gateway";
import { GatewayFixture } from "../../helpers/gateway_fixture.ts";
import {
  ALL_SECRETS,
  attachProven,
  SECRETS,
} from "../../helpers/proven_worker.ts";
import { RawWorker } from "../../helpers/raw_worker.ts";

const IOS: readonly GatewayOptions[] = Deno.build.os === "linux"
  ? [{ io: "deno" }, { io: "epoll" }]
  : [{}];

function start(options: GatewayOptions = {}): Promise<GatewayFixture> {
  return GatewayFixture.start({ innerSecrets: ALL_SECRETS, ...options });
}

for (const io of IOS) {
  const over = io.io ? `, over ${io.io}` : "";

  Deno.test(`a worker that proves itself works, and sees the gateway's proof${over}`, async () => {
    await using gateway = await start(io);
    const { peer: worker, challenge, proof, secret } = await attachProven(
      gateway.inner,
      "worker",
    );
    await using _ = worker;
    await worker.askExplicitly();
    const { mac } = decodeGreeting((await worker.nextFrame())!)!;
    assertEquals(mac, secret.gatewayCode(proof.own, challenge));
    await using client = await gateway.connect();
    await worker.askExplicitly(await worker.expect(TaskCmd.CLIENT_CREATED));
    await client.write({ cmd: 1, body: "hi" });
    await worker.answer(await worker.expect(TaskCmd.CLIENT_REQ), "ho");
    assertEquals(new TextDecoder().decode((await client.read())!.body), "ho");
    assertEquals(gateway.log.complaints, []);
  });

  Deno.test(`who sends the proof byte by byte, and more behind it, is let in${over}`, async () => {
    await using gateway = await start(io);
    await using peer = await RawWorker.attach(gateway.inner);
    const challenge = challengeOf((await peer.nextFrame())!)!;
    const proof = new Secret("trigger", SECRETS.trigger).prove(challenge);
    const all = [...proofFrame(proof), ...hello({ name: "slow" })];
    for (const byte of all) await peer.sendBytes(Uint8Array.of(byte));
    assert(decodeGreeting((await peer.nextFrame())!)?.mac);
  });

  Deno.test(`what is no proof is refused at once, told and counted${over}`, async () => {
    await using gateway = await start(io);
    const ask = new Task({ cmd: TaskCmd.WORKER_ASK_FOR_TASK }).pack();
    const proof = (length: number) =>
      new Task({ cmd: TaskCmd.PROOF, body: new Uint8Array(length) }).pack();
    const http = new TextEncoder().encode("GET / HTTP/1.1\r\n\r\n");
    const endless = proof(64).slice();
    new DataView(endless.buffer).setInt32(8, 2 ** 31 - 1);
    const sent: [bytes: Uint8Array, line: RegExp][] = [
      [ask, /sent command 210 and has proven nothing: it has no secret/],
      [hello({}), /sent command 270 /],
      [http, /is no frame, it begins with 47 45 54 20/],
      [proof(64), /its proof has 140 bytes, not 141/],
      [endless.subarray(0, 16), /its proof has 2147483647 bytes/],
      [proof(65), /its proof names no role/],
    ];
    for (const [i, [bytes, line]] of sent.entries()) {
      await using peer = await gateway.attach();
      assert(challengeOf((await peer.nextFrame())!));
      await peer.sendBytes(bytes);
      assertEquals(await peer.nextFrame(), null);
      assertMatch(
        await gateway.log.line(line),
        new RegExp(`WARN ${peer.localAddress} is refused at the port for`),
      );
      assertEquals(gateway.gateway.stats().innerUnproven.frame, i + 1);
    }
    assertEquals(gateway.gateway.stats().workers, 0);
    assertEquals(gateway.gateway.stats().innerLinks, 0);
  });
}

Deno.test("a wrong secret, a role without one, and one role's secret as another's are refused", async () => {
  await using gateway = await GatewayFixture.start({
    innerSecrets: `worker:${SECRETS.worker},trigger:${SECRETS.trigger}`,
  });
  const tries: [InnerRole, string][] = [
    ["worker", "another-secret-of-workers"],
    ["worker", SECRETS.trigger],
    ["trigger", SECRETS.worker],
    ["admin", SECRETS.worker],
    ["monitor", SECRETS.monitor],
  ];
  for (const [role, text] of tries) {
    const { peer } = await attachProven(gateway.inner, role, text);
    await using _ = peer;
    assertEquals(await peer.nextFrame(), null);
  }
  const { secret, role } = gateway.gateway.stats().innerUnproven;
  assertEquals([secret, role], [3, 2]);
  await gateway.log.line(/it does not know a secret of role worker$/);
  await gateway.log.line(/there is no secret of role admin$/);
});

Deno.test("a proof that was recorded is refused: each connection has its own challenge", async () => {
  await using gateway = await start();
  const first = await attachProven(gateway.inner, "worker");
  await using _ = first.peer;
  await first.peer.askExplicitly();
  assert(await first.peer.nextFrame());
  await using replay = await gateway.attach();
  const challenge = challengeOf((await replay.nextFrame())!)!;
  assert(challenge.some((byte, i) => byte !== first.challenge[i]));
  await replay.sendBytes(proofFrame(first.proof));
  assertEquals(await replay.nextFrame(), null);
  assertEquals(gateway.gateway.stats().innerUnproven.secret, 1);
});

Deno.test("what the gateway proves is refused as a proof", async () => {
  await using gateway = await start();
  // An attacker sits between: it has the worker's answer to a challenge of its own, and wants the
  // gateway to make what it cannot make itself.
  const { peer, challenge, proof, secret } = await attachProven(
    gateway.inner,
    "worker",
  );
  await using _ = peer;
  await peer.askExplicitly();
  const { mac } = decodeGreeting((await peer.nextFrame())!)!;
  assertEquals(mac, secret.gatewayCode(proof.own, challenge));
  const code = Uint8Array.from(atob(mac!), (char) => char.charCodeAt(0));
  await using attacker = await gateway.attach();
  const asked = challengeOf((await attacker.nextFrame())!)!;
  await attacker.sendBytes(proofFrame({ role: "worker", own: asked, code }));
  assertEquals(await attacker.nextFrame(), null);
});

Deno.test("who leaves without a word is counted and no warning", async () => {
  await using gateway = await start();
  for (let i = 0; i < 3; i++) {
    await using peer = await gateway.attach();
    await peer.nextFrame();
  }
  await gateway.until(({ innerUnproven }) => innerUnproven.left === 3);
  assertEquals(gateway.log.complaints, []);
});

Deno.test("who proves nothing is refused after 5 seconds", async () => {
  await using gateway = await start();
  await using silent = await gateway.attach();
  await using slow = await gateway.attach();
  for (const peer of [silent, slow]) await peer.nextFrame();
  await slow.sendBytes(new Task({ cmd: TaskCmd.PROOF }).pack().subarray(0, 9));
  for (const peer of [silent, slow]) {
    assertEquals(await peer.nextFrame(), null);
  }
  assertEquals(gateway.gateway.stats().innerUnproven.late, 2);
  await gateway.log.line(/it has proven nothing within 5 s$/);
});

Deno.test("those that have proven nothing give way, and workers are let in", async () => {
  await using gateway = await start({ innerConnsMax: 3 });
  const strangers: RawWorker[] = [];
  for (let i = 0; i < 7; i++) {
    strangers.push(await gateway.attach());
    await strangers[i]!.nextFrame();
  }
  assertEquals(gateway.gateway.stats().innerUnproven.room, 4);
  const { peer } = await attachProven(gateway.inner, "worker");
  await using _ = peer;
  await peer.ask();
  await gateway.until(({ workers }) => workers === 1);
  for (const stranger of strangers) await stranger[Symbol.asyncDispose]();
});

Deno.test("with all places taken a further one is refused without a challenge", async () => {
  await using gateway = await start({ innerConnsMax: 1, innerReserve: 0 });
  const { peer } = await attachProven(gateway.inner, "worker");
  await using _ = peer;
  await peer.ask();
  await gateway.until(({ workers }) => workers === 1);
  await using further = await gateway.attach();
  assertEquals(await further.nextFrame(), null);
  assertEquals(gateway.gateway.stats().innerRefused, 1);
});

Deno.test("listed addresses come without proof and hear nothing before they speak", async () => {
  await using gateway = await start({ innerOpen: "10.0.0.0/8,127.0.0.1" });
  await using original = await gateway.attach();
  await original.send({ cmd: TaskCmd.WRITE_TO_WORKER });
  // The first frame that comes is the task.
  await original.pull(TaskCmd.WRITE_TO_WORKER);
  assertEquals(gateway.log.complaints, []);
});

Deno.test("listed addresses may do what a worker may", async () => {
  await using gateway = await start({ innerOpen: "127.0.0.1" });
  await using original = await gateway.attach();
  await original.send({ cmd: 460, body: "{}" });
  await gateway.until(({ innerForbidden }) => innerForbidden === 1);
});

Deno.test("with open addresses and no secret all others are refused, unasked", async () => {
  await using gateway = await GatewayFixture.start({ innerOpen: "10.0.0.0/8" });
  await using peer = await gateway.attach();
  assertEquals(await peer.nextFrame(), null);
  assertEquals(gateway.gateway.stats().innerUnproven.address, 1);
  await gateway.log.line(/its address is not one that may come \(innerOpen\)$/);
});

Deno.test("a command that is not for the role is ignored, counted and told once", async () => {
  await using gateway = await start();
  await using client = await gateway.connect();
  const { peer: worker } = await attachProven(gateway.inner, "worker");
  await using _worker = worker;
  await worker.pull(TaskCmd.CLIENT_CREATED);
  await client.write({ cmd: 1, body: "hi" });
  const request = await worker.pull(TaskCmd.CLIENT_REQ);
  const { peer: trigger } = await attachProven(gateway.inner, "trigger");
  await using _trigger = trigger;
  await trigger.answer(request, "forged");
  await trigger.send(request.map({ cmd: TaskCmd.LOGIN_CLIENT, uid: 7 }));
  await trigger.send(request.map({ cmd: TaskCmd.LOGOUT_CLIENT }));
  await trigger.ask();
  await gateway.until(({ innerForbidden }) => innerForbidden === 4);
  const { users, workers, answers } = gateway.gateway.stats();
  assertEquals([users, workers, answers], [0, 1, 0]);
  assertMatch(
    await gateway.log.line(/which role trigger may not/),
    /WARN trigger 127\.0\.0\.1:\d+ sent command 220, /,
  );
  // Who wants to know is told.
  await trigger.send(
    request.map({
      cmd: TaskCmd.WRITE_TO_CLIENT,
      flags: TaskFlag.RECEIPT_WANTED,
      custom: 9,
    }),
  );
  const receipt = await trigger.expect(TaskCmd.RECEIPT);
  assertEquals(receipt.custom, 9);
  assertEquals(
    decodeReceipt(receipt.body).error,
    "command 220, which role trigger may not",
  );
  // It is still connected, and what it may is done.
  await trigger.sendBytes(writeToUsers("to all"));
  assertEquals(new TextDecoder().decode((await client.read())!.body), "to all");
  assertEquals(gateway.log.complaints.length, 1);
});

function writeToUsers(body: string): Uint8Array {
  return writeToUsersTask(Box, [[[-2], { cmd: 9, body }]]).pack();
}

Deno.test("a monitor changes nothing", async () => {
  await using gateway = await start();
  await using client = await gateway.connect();
  const { peer: monitor } = await attachProven(gateway.inner, "monitor");
  await using _ = monitor;
  await monitor.sendBytes(hello({ name: "looks", pid: 1 }));
  assert(decodeGreeting((await monitor.nextFrame())!)?.mac);
  const cmds = [100, 210, 220, 230, 240, 250, 260, 270, 280];
  for (const cmd of cmds) await monitor.send({ cmd, connId: 1 });
  await monitor.send({ cmd: TaskCmd.CLEAR_CLIENT_TASKS });
  await gateway.until(({ innerForbidden }) => innerForbidden === 10);
  assertMatch(
    await gateway.log.line(/role monitor may not/),
    /WARN monitor looks\[1\] 127/,
  );
  assertEquals(gateway.gateway.stats().clients, 1);
  // It may ask, and nothing has come of all that.
  await monitor.sendBytes(queryTask({ uids: [1] }).pack());
  const answer = await monitor.expect(TaskCmd.RECEIPT);
  assertEquals(decodeReceipt(answer.body).offline, [1]);
  const { queued, workers } = gateway.gateway.stats();
  // The news of the client.
  assertEquals([queued, workers], [1, 0]);
  void client;
});

Deno.test("who has come by a secret that is gone is disconnected, and others get its tasks", async () => {
  const [old, now] = ["the-old-secret-of-workers", "the-new-secret-of-workers"];
  await using gateway = await GatewayFixture.start({
    innerSecrets: [`worker:${old}`, `trigger:${SECRETS.trigger}`],
  });
  const { peer: trigger } = await attachProven(gateway.inner, "trigger");
  await using _trigger = trigger;
  for (let i = 0; i < 2; i++) {
    await trigger.send({ cmd: TaskCmd.WRITE_TO_WORKER, custom: i });
  }
  // Two of them: what the first one held must not be lost with the second one.
  const olds: RawWorker[] = [];
  for (let i = 0; i < 2; i++) {
    const { peer } = await attachProven(gateway.inner, "worker", old);
    olds.push(peer);
    await peer.askExplicitly();
    await peer.askExplicitly();
    await gateway.until(({ workers }) => workers === i + 1);
  }
  await gateway.until(({ inHand }) => inHand === 2);
  gateway.gateway.renewSecrets({
    innerSecrets: [
      `worker:${now}`,
      `worker:${old}`,
      `trigger:${SECRETS.trigger}`,
    ],
  });
  const { peer: fresh } = await attachProven(gateway.inner, "worker", now);
  await using _fresh = fresh;
  await fresh.askExplicitly();
  await gateway.until(({ workers }) => workers === 3);
  gateway.gateway.renewSecrets({
    innerSecrets: [`worker:${now}`, `trigger:${SECRETS.trigger}`],
  });
  for (const peer of olds) await peer.closedByPeer();
  // It is asked whether it lives before it gets what others were lost with.
  const next = async () => {
    for (;;) {
      const task = (await fresh.next())!;
      if (task.cmd !== TaskCmd.LOGOUT_CLIENT) return task;
      await fresh.send(task);
    }
  };
  const first = await next();
  await fresh.askExplicitly(first);
  const second = await next();
  assertEquals([first.custom, second.custom].sort(), [0, 1]);
  await gateway.log.line(
    /WARN worker .* is disconnected: its secret of role worker is none any more/,
  );
  const { redelivered, givenUp, workers, innerLinks } = gateway.gateway.stats();
  assertEquals([redelivered, givenUp, workers, innerLinks], [2, 0, 1, 2]);
  for (const peer of olds) await peer[Symbol.asyncDispose]();
});

Deno.test("who has come without proof is disconnected when that is needed from its address", async () => {
  await using gateway = await start({ innerOpen: "127.0.0.1" });
  await using original = await gateway.attach();
  await original.ask();
  await gateway.until(({ workers }) => workers === 1);
  gateway.gateway.renewSecrets();
  assertEquals(gateway.gateway.stats().workers, 1);
  gateway.gateway.renewSecrets({ innerOpen: "10.0.0.0/8" });
  assertEquals(await original.closedByPeer(), 0);
  await gateway.log.line(
    /WARN worker .* is disconnected: it has proven nothing, which its address/,
  );
  await using further = await gateway.attach();
  assert(challengeOf((await further.nextFrame())!));
});

Deno.test("a flood of those who prove nothing is a few lines in the log", async () => {
  const file = await Deno.makeTempFile();
  const COUNT = 150;
  {
    await using logger = createLogger({ role: "gateway", level: "WARN", file });
    await using gateway = await start({ logger });
    const { inner } = gateway;
    await Promise.all(Array.from({ length: COUNT }, async () => {
      const { peer } = await attachProven(inner, "worker", "wrong-0123456789");
      await using _ = peer;
      assertEquals(await peer.nextFrame(), null);
    }));
    assertEquals(gateway.gateway.stats().innerUnproven.secret, COUNT);
  }
  const lines = (await Deno.readTextFile(file)).trimEnd().split("\n");
  await Deno.remove(file);
  // Five at first, and one a second.
  assert(lines.length < COUNT / 2, `${lines.length} lines`);
  const hidden = lines.flatMap((line) =>
    /\(and (\d+) more like it/.exec(line)?.[1] ?? []
  );
  const all = hidden.reduce((sum, more) => sum + Number(more), lines.length);
  assertEquals(all, COUNT);
});

Deno.test("renewSecrets() that cannot be used changes nothing", async () => {
  await using gateway = await start();
  const { peer } = await attachProven(gateway.inner, "worker");
  await using _ = peer;
  await peer.ask();
  await gateway.until(({ workers }) => workers === 1);
  // The last one would leave the port open to all.
  for (const innerSecrets of ["worker:short", "# nothing", ""]) {
    assertThrows(
      () => gateway.gateway.renewSecrets({ innerSecrets }),
      GatewayError,
    );
  }
  assertEquals(gateway.gateway.stats().workers, 1);
  const { peer: further } = await attachProven(gateway.inner, "worker");
  await using _further = further;
  await further.ask();
  await gateway.until(({ workers }) => workers === 2);
});

Deno.test("an inner address that others reach needs secrets or open addresses", () => {
  for (const innerHost of ["0.0.0.0", "::", "10.1.2.3", "gateway.example"]) {
    const error = assertThrows(() => new Gateway({ innerHost }), GatewayError);
    assertMatch(
      error.message,
      /^Option innerHost is .*give secrets \(--inner-secret-file .*--inner-open/,
    );
    new Gateway({ innerHost, innerSecrets: ALL_SECRETS });
    new Gateway({ innerHost, innerOpen: "10.0.0.0/8" });
  }
  for (const innerHost of ["127.0.0.1", "127.9.9.9", "::1", "localhost"]) {
    new Gateway({ innerHost });
  }
});
