// Tests of the trigger's command line, as processes.

import { freePort } from "../helpers/free_port.ts";
import { PERMISSIONS } from "../helpers/permissions.ts";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { Box, TaskCmd } from "@maple/box";
import { VirtualRequest } from "@maple/trigger";
import { GatewayFixture } from "../helpers/gateway_fixture.ts";
import { PlayedGateway } from "../helpers/played_gateway.ts";
import { joinClient, makeTrigger, nextText } from "./trigger_fixture.ts";

const PROGRAM = new URL("../../trigger/mod.ts", import.meta.url).pathname;

interface Result {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

async function run(
  args: readonly string[],
  stdin?: Uint8Array,
): Promise<Result> {
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--no-prompt",
      ...PERMISSIONS.trigger,
      "--quiet",
      PROGRAM,
      ...args,
    ],
    stdin: stdin ? "piped" : "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  if (stdin) {
    const writer = child.stdin.getWriter();
    // A program that has refused before it reads has closed the pipe.
    await writer.write(stdin).then(() => writer.close()).catch(() => {});
  }
  const { code, stdout, stderr } = await child.output();
  const decoder = new TextDecoder();
  return { code, out: decoder.decode(stdout), err: decoder.decode(stderr) };
}

function at(gateway: GatewayFixture): string[] {
  return ["--port", String(gateway.inner.port)];
}

const TAKEN: Result = { code: 0, out: "", err: "" };

Deno.test("maple trigger write-to-worker gives a worker the task", async () => {
  await using gateway = await GatewayFixture.start();
  const uid = 2n ** 62n + 1n;
  const flags = [
    "--cmd",
    "7",
    "--ret=-1",
    "--sn",
    "3",
    "--body",
    "hé",
    "--uid",
    `${uid}`,
    "--userdata",
    "9007199254740993",
    "--custom",
    "-5",
  ];
  assertEquals(await run(["write-to-worker", ...at(gateway), ...flags]), TAKEN);
  await using worker = await gateway.attach();
  const task = await worker.work();
  assertEquals([task.cmd, task.uid, task.userdata, task.custom], [
    TaskCmd.WRITE_TO_WORKER,
    uid,
    9007199254740993n,
    -5,
  ]);
  const box = Box.fromFrame(task.body);
  assertEquals([box.cmd, box.ret, box.sn, box.text()], [7, -1, 3, "hé"]);
});

Deno.test("maple trigger write-to-worker --body - sends stdin as it is", async () => {
  await using gateway = await GatewayFixture.start();
  const bytes = Uint8Array.from({ length: 200_000 }, (_, i) => i % 251);
  assertEquals(
    await run(["write-to-worker", ...at(gateway), "--body", "-"], bytes),
    TAKEN,
  );
  await using worker = await gateway.attach();
  assertEquals(Box.fromFrame((await worker.work()).body).body, bytes);
});

Deno.test("maple trigger write-to-users and close-users reach the users selected", async () => {
  await using gateway = await GatewayFixture.start();
  await using worker = await gateway.attach();
  await using one = await joinClient(gateway, worker);
  await using two = await joinClient(gateway, worker);
  const trigger = makeTrigger(gateway);
  await new VirtualRequest(trigger, one.created).loginClient(1, 1);
  await new VirtualRequest(trigger, two.created).loginClient(2, 3);
  assert(await trigger.close());

  const say = (body: string, ...flags: string[]) =>
    run([
      "write-to-users",
      ...at(gateway),
      "--cmd",
      "5",
      "--body",
      body,
      ...flags,
    ]);
  assertEquals(await say("bit", "--uids", "-1", "--userdata", "2"), TAKEN);
  assertEquals(await say("but", "--uids", "1,2", "--exclude", "2,9"), TAKEN);
  assertEquals(await nextText(two), "bit");
  assertEquals(await nextText(one), "but");

  assertEquals(
    await run(["close-users", ...at(gateway), "--uids=-1", "--exclude", "2"]),
    TAKEN,
  );
  assertEquals(await nextText(one), "closed");
  assertEquals(await say("left", "--uids", "-2"), TAKEN);
  assertEquals(await nextText(two), "left");
});

Deno.test("maple trigger --receipt prints what became of it, and ends with 3 when nobody was reached", async () => {
  await using gateway = await GatewayFixture.start();
  await using worker = await gateway.attach();
  await using one = await joinClient(gateway, worker);
  const trigger = makeTrigger(gateway);
  await new VirtualRequest(trigger, one.created).loginClient(1);
  assert(await trigger.close());
  const told = async (...args: string[]) => {
    const { code, out, err } = await run([...args, ...at(gateway)]);
    assertEquals([err, out.endsWith("\n")], ["", true]);
    return [code, JSON.parse(out)];
  };
  const write = ["write-to-users", "--receipt", "--uids"];
  assertEquals(await told(...write, "1,2,9007199254740993"), [
    0,
    { delivered: 1, offline: [2, "9007199254740993"], complete: true },
  ]);
  assertEquals(await told(...write, "2"), [
    3,
    { delivered: 0, offline: [2], complete: true },
  ]);
  assertEquals(await told("write-to-worker", "--receipt", "--cmd", "1"), [
    0,
    { taken: true },
  ]);
  assertEquals(await told("online", "--uids", "2,1"), [0, [1]]);
  assertEquals(await told("users", "--limit", "5"), [0, [1]]);
  assertEquals(await told("users", "--after", "1"), [0, []]);
  await run(["join-group", ...at(gateway), "--group", "g", "--uids", "1"]);
  assertEquals(await told("group-size", "--group", "g"), [0, 1]);
  assertEquals(await told("group-members", "--group", "g"), [0, [1]]);
  assertEquals(await told("close-users", "--receipt", "--uids", "1"), [
    0,
    { delivered: 1, offline: [], complete: true },
  ]);
});

Deno.test("maple trigger ends with 1 and one line where the gateway gives no receipts", async () => {
  for (const args of [["online"], ["write-to-users", "--receipt"]]) {
    using played = new PlayedGateway();
    const ran = run([...args, "--uids", "1", "--port", String(played.port)]);
    await using original = await played.accept();
    // It reads to the end of what the program sends, which is nothing.
    assertEquals(await original.next(), null);
    original.close();
    const { code, out, err } = await ran;
    assertEquals([code, out], [1, ""]);
    assertStringIncludes(err, "this gateway gives no receipts");
    assertEquals(err.indexOf("\n"), err.length - 1);
  }
});

Deno.test("maple trigger ends with 1 and one line when the gateway has not taken it", async (t) => {
  await t.step("nobody listens", async () => {
    const port = freePort();
    const { code, err } = await run([
      "close-users",
      "--uids",
      "1",
      "--timeout",
      "0.2",
      "--port",
      String(port),
    ]);
    assertEquals(code, 1);
    assert(
      /^maple trigger: Cannot send to gateway [^\n]+: not done within 0\.2 s[^\n]*\n$/
        .test(err),
      err,
    );
  });
  await t.step("the gateway never closes", async () => {
    using played = new PlayedGateway();
    const { code, err } = await run([
      "close-users",
      "--uids",
      "1",
      "--timeout",
      "1",
      "--port",
      String(played.port),
    ]);
    assertEquals(code, 1);
    assertEquals(
      err,
      `maple trigger: The gateway at 127.0.0.1:${played.port} did not say that it has taken it\n`,
    );
  });
});

Deno.test("maple trigger ends with 2 and one line for bad use", async (t) => {
  const cases: [args: string[], says: string][] = [
    [
      [],
      "The first argument is one of write-to-worker, write-to-users, close-users, write-to-groups, join-group, leave-group, close-group, ban, drain, online, group-size, group-members, users, got nothing",
    ],
    [["write-to-nobody"], 'got "write-to-nobody"'],
    [["--port", "1", "close-users"], 'got "--port"'],
    [["close-users"], "--uids is missing"],
    [["close-users", "--uids", ""], '--uids takes 64-bit integers, got ""'],
    [["close-users", "--uids", "1,x"], '--uids takes 64-bit integers, got "x"'],
    [
      ["write-to-users", "--uids", "1", "--exclude", "1.5"],
      '--exclude takes 64-bit integers, got "1.5"',
    ],
    [
      ["write-to-worker", "--uid", "9223372036854775808"],
      '--uid takes 64-bit integers, got "9223372036854775808"',
    ],
    [["write-to-worker", "--uids", "1"], "Unknown flag --uids"],
    [["close-users", "--uids", "1", "--cmd", "1"], "Unknown flag --cmd"],
    [
      ["write-to-worker", "--cmd", "2147483648"],
      "--cmd takes a whole number from",
    ],
    [
      ["write-to-worker", "--port", "0"],
      "--port takes a whole number from 1 to 65535",
    ],
    [["write-to-worker", "--timeout", "0"], "--timeout takes a number from"],
    [["write-to-worker", "--body"], "Flag --body needs a value"],
    [["write-to-worker", "hello"], 'Unexpected argument "hello"'],
    [["online"], "--uids is missing"],
    [["group-size"], "--group: "],
    [["group-members", "--group", ""], "--group: "],
    [["online", "--uids", "1", "--receipt"], "Unknown flag --receipt"],
    [["users", "--limit", "0"], "--limit takes a whole number from 1 to"],
  ];
  for (const [args, says] of cases) {
    await t.step(args.join(" ") || "nothing", async () => {
      const { code, out, err } = await run(args);
      assertEquals([code, out], [2, ""], err);
      assertStringIncludes(err, `maple trigger: `);
      assertStringIncludes(err, says);
      assertEquals(err.indexOf("\n"), err.length - 1);
    });
  }
});

Deno.test("maple trigger --body - refuses more than a frame may hold", async () => {
  const { code, err } = await run(
    ["write-to-worker", "--body", "-"],
    new Uint8Array(2 ** 24 + 1),
  );
  assertEquals(code, 2);
  assertStringIncludes(err, "--body - takes up to 16777216 bytes");
});

Deno.test("maple trigger --help and --version tell what there is", async () => {
  const all = await run(["--help"]);
  assertEquals(all.code, 0);
  for (
    const name of [
      ...["write-to-worker", "write-to-users", "close-users"],
      ...["online", "users"],
    ]
  ) {
    assertStringIncludes(all.out, name);
  }
  const one = await run(["write-to-users", "--help"]);
  assertEquals(one.code, 0);
  for (
    const flag of [
      "host",
      "port",
      "timeout",
      "cmd",
      "ret",
      "sn",
      "body",
      "uids",
      "userdata",
      "exclude",
      "receipt",
    ]
  ) {
    assertStringIncludes(one.out, `--${flag} `);
  }
  const version = await run(["--version"]);
  assert(/^\d+\.\d+\.\d+\n$/.test(version.out), version.out);
});
