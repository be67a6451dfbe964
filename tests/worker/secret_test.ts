// A worker and its secret: both sides prove that they know it, and what each says when one does
// not.

import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { SpecialUid, TaskCmd } from "@maple/box";
import { challengeFrame, proofOf, Secret } from "@maple/box/internal";
import { WorkerError } from "@maple/worker";
import { resolveRun } from "../../worker/options.ts";
import { freePort } from "../helpers/free_port.ts";
import { GatewayFixture } from "../helpers/gateway_fixture.ts";
import { PlayedGateway } from "../helpers/played_gateway.ts";
import { ALL_SECRETS, SECRETS } from "../helpers/proven_worker.ts";
import { SecretFile } from "../helpers/secret_file.ts";
import { addressOf, call, WorkerFixture } from "./worker_fixture.ts";

const { worker: SECRET } = SECRETS;

for (const form of [SECRET, `worker:${SECRET}`]) {
  Deno.test(`a worker with ${form === SECRET ? "a secret" : "role:secret"} works for a gateway that wants it`, async () => {
    await using gateway = await GatewayFixture.start({
      innerSecrets: ALL_SECRETS,
    });
    await using worker = await WorkerFixture.attach(gateway, {
      attach: { secret: form },
    });
    await using client = await gateway.connect();
    assertEquals((await call(client, { cmd: 1, body: "hi" })).text(), "hi");
    assert(worker.app.writeToUsers([[[SpecialUid.ALL], { body: "all" }]]));
    assertEquals([...gateway.log.complaints, ...worker.log.complaints], []);
  });
}

Deno.test("a worker without a secret, or another one, is one line on both sides, less and less often", async () => {
  await using gateway = await GatewayFixture.start({
    innerSecrets: ALL_SECRETS,
  });
  const cases = [
    [
      {},
      /it wants proof, and this worker has no secret/,
      /sent command 210 and has proven nothing/,
    ],
    [
      { secret: "another-secret-altogether" },
      /it does not take the secret of this worker \(role worker\)/,
      /it does not know a secret of role worker/,
    ],
  ] as const;
  for (const [attach, line, told] of cases) {
    await using worker = new WorkerFixture();
    const attaching = worker.app.attach({ ...addressOf(gateway), ...attach });
    assertMatch(
      await worker.log.line(line),
      /^WARN cannot work for gateway 127\.0\.0\.1:\d+: .*; trying again less and less often, at last every 30 s$/,
    );
    await gateway.log.line(told);
    const refused = () => {
      const { frame, secret } = gateway.gateway.stats().innerUnproven;
      return frame + secret;
    };
    const before = refused();
    const start = performance.now();
    await gateway.until(() => refused() === before + 1);
    // The second attempt is not after a second, nor is there a second line.
    assert(performance.now() - start > 1200);
    assertEquals(worker.log.complaints.length, 1);
    await worker.app.close();
    await attaching;
  }
});

Deno.test("a gateway that was away and then refuses the worker is told as both, and asked each second while away", async () => {
  const port = freePort();
  await using worker = new WorkerFixture();
  const secret = "another-secret-altogether";
  const attaching = worker.app.attach({ port, secret });
  await worker.log.line(/^WARN cannot reach gateway/);
  {
    await using _gateway = await GatewayFixture.start({
      innerPort: port,
      innerSecrets: ALL_SECRETS,
    });
    await worker.log.line(/^WARN cannot work for gateway/);
  }
  await using gateway = await GatewayFixture.start({
    innerPort: port,
    innerSecrets: `worker:${secret}`,
  });
  await attaching;
  assertEquals(gateway.gateway.stats().workers, 1);
  assertEquals(worker.log.complaints.length, 2);
});

Deno.test("a worker with a secret refuses a gateway that does not ask for it", async () => {
  await using gateway = await GatewayFixture.start();
  await using worker = new WorkerFixture();
  const attaching = worker.app.attach({
    ...addressOf(gateway),
    secret: SECRET,
  });
  await worker.log.line(
    /it asks for no proof, and this worker was given a secret/,
  );
  assertEquals(gateway.gateway.stats().workers, 0);
  await worker.app.close();
  await attaching;
});

Deno.test("a worker tells a gateway nothing that does not prove itself, and takes nothing from it", async () => {
  using played = new PlayedGateway();
  const tasks: string[] = [];
  await using worker = new WorkerFixture({
    register: (app) => app.route(1, () => void tasks.push("run")),
  });
  const attaching = worker.app.attach({ port: played.port, secret: SECRET });
  const secret = new Secret("worker", SECRET);
  const challenge = new Uint8Array(32).fill(7);
  {
    // It does not speak first, nor send what the app wants sent.
    await using rogue = await played.accept({ greets: false });
    assert(!worker.app.writeToUsers([[[SpecialUid.ALL], { body: "all" }]]));
    await rogue.sendBytes(challengeFrame(challenge));
    const proof = proofOf((await rogue.nextFrame())!)!;
    assert(secret.isProvenBy(proof, challenge));
    // The asks come behind it, and no tasks are taken before the gateway has proven itself.
    assertEquals((await rogue.next())?.cmd, TaskCmd.WORKER_ASK_FOR_TASK);
    assert(!worker.app.writeToUsers([[[SpecialUid.ALL], { body: "all" }]]));
    await rogue.send({
      cmd: TaskCmd.WRITE_TO_WORKER,
      body: new Uint8Array(24),
    });
    await worker.log.line(/it has not proven that it knows the secret/);
    for (let task; (task = await rogue.next());) {
      assertEquals(task.cmd, TaskCmd.WORKER_ASK_FOR_TASK);
    }
  }
  // As whoever has seen an earlier connection.
  await using rogue = await played.accept({ greets: false });
  await rogue.sendBytes(challengeFrame(challenge));
  const { own } = proofOf((await rogue.nextFrame())!)!;
  await rogue.greet({
    mac: secret.gatewayCode(own.map((byte) => byte ^ 1), challenge),
  });
  await rogue.closedByPeer();
  assertEquals(tasks, []);
  await worker.app.close();
  await attaching;
});

Deno.test("a worker that leaves while it waits for proof leaves at once, and in silence", async () => {
  using played = new PlayedGateway();
  await using worker = new WorkerFixture();
  const attaching = worker.app.attach({ port: played.port, secret: SECRET });
  await using silent = await played.accept({ greets: false });
  await worker.app.close();
  await attaching;
  assertEquals(await silent.nextFrame(), null);
  assertEquals(worker.log.complaints, []);
});

Deno.test("a secret is changed while all runs: the file is read again, and nothing is lost", async () => {
  const [old, now] = ["the-old-secret-of-workers", "the-new-secret-of-workers"];
  await using file = new SecretFile("# ours", `worker:${old}`);
  await using gateway = await GatewayFixture.start({
    innerSecrets: `worker:${old}`,
  });
  const held = Promise.withResolvers<void>();
  await using worker = await WorkerFixture.attach(gateway, {
    register: (app) =>
      app.route(1, async (request) => {
        await held.promise;
        await request.writeToClient({ body: request.box.body });
      }),
    attach: { secretFile: file.path },
  });
  await using client = await gateway.connect();
  await client.write({ cmd: 1, body: "held" });
  await gateway.until(({ inHand }) => inHand > 0);
  file.write(`worker:${now}`, `worker:${old}`);
  gateway.gateway.renewSecrets({ innerSecrets: `worker:${now}` });
  await worker.log.line(/^WARN lost gateway/);
  held.resolve();
  assertEquals((await client.read())?.text(), "held");
  await gateway.until(({ workers }) => workers === 1);
  // What cannot be used is told, and the last one counts.
  file.write("worker:short");
  gateway.gateway.renewSecrets({ innerSecrets: `worker:${old}` });
  await worker.log.line(/^WARN The secret in line 1 of the secret file /);
  gateway.gateway.renewSecrets({ innerSecrets: `worker:${now}` });
  await gateway.until(({ workers }) => workers === 1);
});

Deno.test("what cannot be a worker's secret is refused, without it", () => {
  for (const secret of ["short", "trigger:0123456789abcdef"]) {
    const error = assertThrows(() => resolveRun({ secret }), WorkerError);
    assert(!error.message.includes("0123456789"));
  }
  assertThrows(
    () => resolveRun({ secretFile: "/no/such/file" }),
    WorkerError,
    'Cannot read the secret file "/no/such/file"',
  );
});
