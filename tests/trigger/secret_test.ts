// A trigger and its secret: both sides prove that they know it, what each says when one does not,
// and what a trigger may.

import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { challengeFrame, proofOf, Secret } from "@maple/box/internal";
import { Gateway } from "@maple/gateway";
import { TriggerError, VirtualRequest } from "@maple/trigger";
import { resolveOptions } from "../../trigger/options.ts";
import { resolveRun } from "../../worker/options.ts";
import { eventually } from "../helpers/eventually.ts";
import { GatewayFixture } from "../helpers/gateway_fixture.ts";
import { LogCollector } from "../helpers/log_collector.ts";
import { runArgs } from "../helpers/permissions.ts";
import { PlayedGateway } from "../helpers/played_gateway.ts";
import {
  ALL_SECRETS,
  attachProven,
  SECRETS,
} from "../helpers/proven_worker.ts";
import { SecretFile } from "../helpers/secret_file.ts";
import { joinClient, makeTrigger, nextText } from "./trigger_fixture.ts";

const { trigger: SECRET } = SECRETS;

function start(): Promise<GatewayFixture> {
  return GatewayFixture.start({ innerSecrets: ALL_SECRETS });
}

for (const io of ["deno", "epoll"] as const) {
  Deno.test({
    name:
      `a trigger with a secret sends to a gateway that wants it, over ${io}`,
    ignore: io === "epoll" && Deno.build.os !== "linux",
    fn: async () => {
      await using gateway = await GatewayFixture.start({
        innerSecrets: ALL_SECRETS,
        io,
      });
      await using client = await gateway.connect();
      await using trigger = makeTrigger(gateway, { secret: SECRET });
      assert(await trigger.writeToUsers([[[-2], { body: "hi" }]]));
      assertEquals((await client.read())?.text(), "hi");
      assert(await trigger.close());
      assertEquals(gateway.log.complaints, []);
    },
  });
}

Deno.test("a secret is not shown by what it was given to", () => {
  const given = [
    new Gateway({ innerSecrets: ALL_SECRETS }),
    makeTrigger(1, { secret: SECRET }),
    resolveRun({ secret: SECRETS.worker }),
    resolveOptions({ secret: SECRET }),
  ];
  for (const one of given) {
    const shown = Deno.inspect(one, { depth: 20, showHidden: true });
    assert(!/the-secret-of/.test(shown), shown);
  }
});

Deno.test("a trigger without a secret, or another one, is one line on both sides", async () => {
  await using gateway = await start();
  const cases = [
    [
      {},
      /Cannot send to gateway 127.*: it wants proof, and this trigger has no secret/,
      /sent command 270 and has proven nothing/,
    ],
    [
      { secret: "another-secret-altogether" },
      /: it does not take the secret of this trigger \(role trigger\), as its log/,
      /it does not know a secret of role trigger/,
    ],
  ] as const;
  for (const [options, message, line] of cases) {
    await using trigger = makeTrigger(gateway, options);
    const refused = () => {
      const { frame, secret } = gateway.gateway.stats().innerUnproven;
      return frame + secret;
    };
    const before = refused();
    // However many calls there are, the gateway is asked once within a second.
    for (let i = 0; i < 20; i++) {
      const error = await assertRejects(
        () => trigger.writeToUsers([[[-2], { body: "hi" }]]),
        TriggerError,
      );
      assertEquals(error.code, "secret");
      assertMatch(error.message, message);
    }
    assert(refused() - before <= 2);
    await gateway.log.line(line);
    assert(await trigger.close());
  }
});

Deno.test("with ensure forever a trigger waits for a gateway that takes its secret, less and less often", async () => {
  await using gateway = await start();
  const logger = new LogCollector();
  await using trigger = makeTrigger(gateway, {
    secret: "another-secret-altogether",
    ensure: "forever",
    logger,
  });
  const sent = trigger.writeToWorker({ cmd: 1 });
  await logger.line(/WARN gateway .* does not take the secret .*less and less/);
  const { innerUnproven } = gateway.gateway.stats();
  assertEquals(innerUnproven.secret, 1);
  gateway.gateway.renewSecrets({
    innerSecrets: "trigger:another-secret-altogether",
  });
  assert(await sent);
  assertEquals(logger.complaints.length, 1);
});

Deno.test("a trigger with a secret sends nothing to a gateway that does not ask for it", async () => {
  await using gateway = await GatewayFixture.start();
  await using trigger = makeTrigger(gateway, { secret: SECRET, timeout: 1 });
  const error = await assertRejects(() => trigger.connect(), TriggerError);
  assertEquals(error.code, "secret");
  assertMatch(
    error.message,
    /it asks for no proof, and this trigger was given/,
  );
});

Deno.test("a trigger sends nothing to a gateway that does not prove itself", async () => {
  using played = new PlayedGateway();
  await using trigger = makeTrigger(played.port, { secret: SECRET });
  const sent = assertRejects(
    () => trigger.writeToWorker({ cmd: 1, body: "private" }),
    TriggerError,
    "it has not proven that it knows the secret of this trigger",
  );
  await using rogue = await played.accept({ greets: false });
  const challenge = new Uint8Array(32).fill(3);
  await rogue.sendBytes(challengeFrame(challenge));
  const proof = proofOf((await rogue.nextFrame())!)!;
  const secret = new Secret("trigger", SECRET);
  assert(secret.isProvenBy(proof, challenge));
  await rogue.greet({
    receipts: true,
    mac: secret.gatewayCode(challenge, proof.own),
  });
  await sent;
  // All that came is the hello.
  assertEquals(await rogue.next(), null);
});

Deno.test("a trigger that is refused what is not for its role is told; a worker's secret may", async () => {
  await using gateway = await start();
  const { peer: worker } = await attachProven(gateway.inner, "worker");
  await using _ = worker;
  await using joined = await joinClient(gateway, worker);
  await using trigger = makeTrigger(gateway, { secret: SECRET });
  const forbidden = new VirtualRequest(trigger, joined.created);
  for (
    const call of [
      () => forbidden.writeToClient({ body: "forged" }),
      () => forbidden.loginClient(7),
      () => forbidden.logoutClient(),
    ]
  ) {
    const error = await assertRejects(call, TriggerError);
    assertEquals(error.code, "refused");
    assertMatch(error.message, /command 2[27]0|command 260/);
    assertMatch(error.message, /which role trigger may not/);
  }
  await using late = makeTrigger(gateway, {
    secret: `worker:${SECRETS.worker}`,
  });
  const request = new VirtualRequest(late, joined.created);
  assert(await request.writeToClient({ body: "late" }));
  assertEquals(await nextText(joined), "late");
  assertEquals(gateway.gateway.stats().users, 0);
});

Deno.test("a trigger's file is read again when its secret has changed", async () => {
  const [old, now] = [
    "the-old-secret-of-triggers",
    "the-new-secret-of-triggers",
  ];
  await using file = new SecretFile(
    `worker:${SECRETS.worker}`,
    `trigger:${old}`,
  );
  await using gateway = await GatewayFixture.start({
    innerSecrets: `trigger:${old}`,
  });
  await using trigger = makeTrigger(gateway, { secretFile: file.path });
  assert(await trigger.writeToWorker({ cmd: 1 }));
  file.write(`trigger:${now}`);
  gateway.gateway.renewSecrets({ innerSecrets: `trigger:${now}` });
  await gateway.until(({ innerLinks }) => innerLinks === 0);
  assert(await trigger.writeToWorker({ cmd: 2 }));
  assertEquals(gateway.gateway.stats().queued, 2);
});

Deno.test("maple trigger proves itself by a file or the environment, and tells what is wrong", async () => {
  await using gateway = await start();
  await using file = new SecretFile(...ALL_SECRETS);
  const run = async (flags: readonly string[], env: Record<string, string>) => {
    const { code, stderr } = await new Deno.Command(Deno.execPath(), {
      args: [
        ...runArgs("trigger"),
        new URL("../../trigger/mod.ts", import.meta.url).pathname,
        ...["write-to-worker", "--port", String(gateway.inner.port)],
        ...flags,
      ],
      env: { NO_COLOR: "1", ...env },
      stdout: "null",
    }).output();
    return { code, err: new TextDecoder().decode(stderr) };
  };
  const fine = { code: 0, err: "" };
  assertEquals(await run(["--secret-file", file.path], {}), fine);
  const env = { MAPLE_INNER_SECRET: `trigger:${SECRET}` };
  assertEquals(await run([], env), fine);
  await eventually(() => gateway.gateway.stats().queued === 2);
  const missing = await run([], {});
  assertEquals(missing.code, 1);
  assertMatch(
    missing.err,
    /^maple trigger: .*it wants proof, and this trigger has no secret.*\n$/,
  );
  file.chmod(0o644);
  if (Deno.build.os === "windows") return;
  const open = await run(["--secret-file", file.path], {});
  assertEquals(open.code, 2);
  assertMatch(
    open.err,
    /^maple trigger: Others .* \(mode 644\): chmod 600 it\n$/,
  );
  assert(!open.err.includes(SECRET));
});
