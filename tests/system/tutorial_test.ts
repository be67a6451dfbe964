// The steps of examples/tutorial/, each run as its README tells.

import { assertEquals, assertMatch } from "@std/assert";
import { Box, TcpClient } from "@maple/box";
import { eventually } from "../helpers/eventually.ts";
import { freePort } from "../helpers/free_port.ts";
import { startGatewayProcess } from "../helpers/gateway_process.ts";
import { pathOf } from "../helpers/paths.ts";
import {
  type RunningProcess,
  runProcess,
  startProcess,
} from "../helpers/process.ts";

const FOLDER = pathOf("../../examples/tutorial/");
const PATIENCE = 60_000;

function step(
  file: string,
  args: readonly (string | number)[],
  ready?: RegExp,
) {
  return startProcess(Deno.execPath(), {
    args: ["run", "-A", FOLDER + file, ...args.map(String)],
    ...(ready ? { ready } : {}),
  });
}

// A process that has children, and ends them when it is asked to.
async function stepWithChildren(
  stack: AsyncDisposableStack,
  ...started: Parameters<typeof step>
): Promise<RunningProcess> {
  const process = stack.use(await step(...started));
  stack.defer(async () => {
    process.kill("SIGTERM");
    await process.finished(PATIENCE);
  });
  return process;
}

// Two play to the end; in the middle of it something happens.
async function playGame(port: number, happens: () => Promise<void>) {
  await using one = await step("player.ts", [1, port]);
  await one.line(/^nobody else is here$/, PATIENCE);
  await using two = await step("player.ts", [2, port]);
  const players = [one, two];
  for (let cards = 5; cards > 0; cards--) {
    if (cards === 3) await happens();
    const more = `(?: \\d+){${cards - 1}}`;
    const dealt = new RegExp(`^(\\d+)${more} \\(play one; user \\d thinks`);
    const hands = [];
    for (const player of players) {
      hands.push(await player.line(dealt, PATIENCE));
    }
    for (const [seat, player] of players.entries()) {
      await player.write(hands[seat]![1]!);
    }
  }
  const ends = [];
  for (const player of players) {
    const [, mine, theirs] = await player.line(
      /^over: you (\d), user \d (\d)$/,
      PATIENCE,
    );
    ends.push([Number(mine), Number(theirs)]);
    // It has connected once, and never lost that.
    const states = player.stdout.filter((line) => /^[a-z]+$/.test(line));
    assertEquals(states, ["connecting", "open"]);
  }
  assertEquals(ends[0], ends[1]!.toReversed());
  assertEquals(ends[0]![0]! + ends[0]![1]!, 5);
}

Deno.test("tutorial, step 1: a server answers", async () => {
  const port = freePort();
  await using _server = await step("step1_server.ts", [port], /ready/);
  await using client = new TcpClient(Box, "127.0.0.1", port);
  await client.connect();
  const answer = await client.request({ cmd: 1, body: { uid: 7 } });
  assertEquals(answer.text(), "welcome, 7");
});

Deno.test("tutorial, steps 2 and 4: the rules and the tests run", async () => {
  const rules = await runProcess(Deno.execPath(), {
    args: ["run", `${FOLDER}step2_rules.ts`],
    timeout: PATIENCE,
  });
  assertEquals([rules.code, rules.stdout.length], [0, 5], rules.stderr);
  const tests = await runProcess(Deno.execPath(), {
    args: ["test", "-A", `${FOLDER}step4_test.ts`],
    timeout: PATIENCE,
  });
  assertEquals(tests.code, 0, tests.stdout.join("\n") + tests.stderr);
  assertMatch(tests.stdout.join("\n"), /4 passed \| 0 failed/);
});

Deno.test("tutorial, step 3: two play on a server", async () => {
  const port = freePort();
  await using _server = await step("step3_game.ts", [port], /ready/);
  await playGame(port, () => Promise.resolve());
});

Deno.test("tutorial, step 5: the workers are reloaded and killed while two play", async () => {
  await using stack = new AsyncDisposableStack();
  const dir = await Deno.makeTempDir({ prefix: "maple_tutorial_" });
  stack.defer(() => Deno.remove(dir, { recursive: true }));
  const gateway = stack.use(await startGatewayProcess());
  const worker = await stepWithChildren(
    stack,
    "step5_worker.ts",
    [gateway.innerPort, `${dir}/table.sqlite`],
    /^maple worker ready/,
  );
  const started =
    () => [...worker.stderr.matchAll(/worker \d \(pid (\d+)\) started/g)];
  const attached = () =>
    [...worker.stderr.matchAll(/attached to gateway/g)].length;
  await playGame(gateway.outerPort, async () => {
    worker.kill("SIGHUP");
    await eventually(() => worker.stderr.includes("reloaded: "), {
      timeout: PATIENCE,
    });
    assertEquals(started().length, 4);
    Deno.kill(Number(started()[2]![1]), "SIGKILL");
    await eventually(() => started().length === 5 && attached() === 5, {
      timeout: PATIENCE,
    });
  });
});
