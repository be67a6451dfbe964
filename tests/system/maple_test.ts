// maple: the programs of all packages as one.

import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import config from "../../deno.json" with { type: "json" };
import { GATEWAY_READY } from "../helpers/gateway_process.ts";
import { ROOT } from "../helpers/paths.ts";
import { runArgs } from "../helpers/permissions.ts";
import { type Finished, runProcess, startProcess } from "../helpers/process.ts";

const MAPLE = ["run", "--quiet", "-A", `${ROOT}/mod.ts`];

function run(...args: string[]): Promise<Finished> {
  return runProcess(Deno.execPath(), { args: [...MAPLE, ...args] });
}

Deno.test("maple help tells its programs, maple help PROGRAM what each tells by itself", async () => {
  const all = await run("help");
  assertEquals([all.code, all.stderr], [0, ""]);
  for (const flag of ["--help", "-h"]) assertEquals(await run(flag), all);
  for (const line of all.stdout) assertEquals(line.length <= 100, true, line);
  for (const name of ["gateway", "trigger", "stat", "load"]) {
    assertMatch(all.stdout.join("\n"), new RegExp(`^  ${name} +\\S`, "m"));
    const one = await run("help", name);
    assertEquals([one.code, one.stderr], [0, ""]);
    assertStringIncludes(one.stdout.join("\n"), `Usage: maple ${name} `);
    assertEquals(await run(name, "-h"), one);
  }
  const sub = await run("help", "trigger", "ban");
  assertStringIncludes(sub.stdout.join("\n"), "Usage: maple trigger ban ");
  assertEquals(await run("trigger", "ban", "-h"), sub);
});

Deno.test("maple --version prints the version", async () => {
  const expected = { code: 0, stdout: [config.version], stderr: "" };
  assertEquals(await run("--version"), expected);
  assertEquals(await run("load", "--version"), expected);
});

for (
  const [args, got] of [
    [[], "nothing"],
    [["gatway"], '"gatway"; is gateway meant?'],
    [["constructor"], '"constructor"'],
    [["help", "gatway"], '"gatway"'],
    [["help", "help"], '"help"'],
  ] as const
) {
  Deno.test(`maple ${args.join(" ")} ends with 2 and one line`, async () => {
    const { code, stdout, stderr } = await run(...args);
    assertEquals([code, stdout], [2, []]);
    assertMatch(stderr, /^maple: The first argument is one of [^\n]+\n$/);
    assertStringIncludes(stderr, `got ${got}`);
  });
}

Deno.test("maple passes on how a program ends", async () => {
  const { code, stderr } = await run("gateway", "--conns-max", "0");
  assertEquals(code, 2);
  assertMatch(stderr, /^maple gateway: --conns-max takes [^\n]+\n$/);
  const unknown = await run("--verbose");
  assertEquals(unknown.code, 2);
  assertMatch(unknown.stderr, /^maple: Unknown flag --verbose[^\n]*\n$/);
});

Deno.test("maple needs no more permissions than the program that it runs", async () => {
  await using gateway = await startProcess(Deno.execPath(), {
    args: [
      ...[...runArgs("gateway"), `${ROOT}/mod.ts`, "gateway"],
      ...["--outer-host", "127.0.0.1", "--outer-port", "0"],
      ...["--inner-port", "0"],
    ],
    ready: GATEWAY_READY,
  });
  const online = await runProcess(Deno.execPath(), {
    args: [
      ...[...runArgs("trigger"), `${ROOT}/mod.ts`, "trigger", "online"],
      ...["--uids", "1", "--port", gateway.ready![4]!],
    ],
  });
  assertEquals(online, { code: 0, stdout: ["[]"], stderr: "" });
  gateway.kill("SIGTERM");
  assertEquals((await gateway.finished()).code, 0);
});

Deno.test({
  name:
    "maple gateway serves from several processes, and gives up what it does not need",
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    const ports = ["--outer-host", "127.0.0.1", "--outer-port", "0"];
    const inner = ["--inner-port", "0"];
    await using one = await startProcess(Deno.execPath(), {
      args: [...MAPLE, "gateway", ...ports, ...inner],
      ready: GATEWAY_READY,
    });
    await using two = await startProcess(Deno.execPath(), {
      args: [...MAPLE, "gateway", ...ports, ...inner, "--processes", "2"],
      ready: GATEWAY_READY,
    });
    assertEquals(
      two.stderr.match(/gateway \d \(pid \d+\) started/g)?.length,
      2,
    );
    for (const gateway of [one, two]) {
      gateway.kill("SIGTERM");
      assertEquals((await gateway.finished()).code, 0);
    }
    assertMatch(one.stderr, /gives up: run, import, ffi, write/);
    assertMatch(two.stderr, /gives up: import, ffi, write/);
  },
});
