// deno run -A jsr:@maple/maple/init: makes a project whose tasks work, from the packages as they
// would be published.

import { assert, assertEquals, assertMatch } from "@std/assert";
import { Box, TcpClient } from "@maple/box";
import { eventually } from "../helpers/eventually.ts";
import { freePort } from "../helpers/free_port.ts";
import { hasNpm } from "../helpers/npm.ts";
import { startProcess } from "../helpers/process.ts";
import { startRegistry } from "../../tools/jsr_registry.ts";
import { fromFileUrl, runText, TempDir } from "./_helpers.ts";

const FILES = [
  "deno.json",
  "dev.ts",
  "gateway.json",
  "index.html",
  "worker.ts",
  "worker_test.ts",
];
const INIT = fromFileUrl("../../init.ts");

async function filesOf(dir: string): Promise<string[]> {
  const names = await Array.fromAsync(Deno.readDir(dir), ({ name }) => name);
  return names.filter((name) => name !== "deno.lock").sort();
}

async function change(
  file: string,
  from: string,
  to: string,
): Promise<void> {
  const text = await Deno.readTextFile(file);
  assert(text.includes(from), `${from} in ${file}`);
  await Deno.writeTextFile(file, text.replaceAll(from, to));
}

/** A project that was made, and how Deno is run in it. */
async function makeProject(stack: AsyncDisposableStack) {
  const dir = stack.use(await TempDir.create());
  const registry = stack.use(await startRegistry());
  const env = {
    JSR_URL: registry.url,
    DENO_DIR: dir.join("deno_dir"),
    NO_PROXY: "127.0.0.1",
    NO_COLOR: "1",
  };
  const made = await runText(
    ["run", "--no-config", "-A", "jsr:@maple/maple/init", "my-game"],
    { env, cwd: dir.path },
  );
  assertEquals(made.code, 0, made.stderr);
  const path = dir.join("my-game");
  return { path, env, dir, said: made.stdout };
}

Deno.test("init makes a project of six files that has nothing to complain about", async () => {
  await using stack = new AsyncDisposableStack();
  const { path, env, said } = await makeProject(stack);
  assertEquals(await filesOf(path), FILES);
  assertMatch(said, /^my-game is made[^]*deno task dev/);
  const sources = ["dev.ts", "worker.ts", "worker_test.ts"];
  for (const args of [["fmt", "--check"], ["lint"], ["check", ...sources]]) {
    const { code, stderr } = await runText(args, { env, cwd: path });
    assertEquals(code, 0, `deno ${args.join(" ")}:\n${stderr}`);
  }
  const { code, stdout, stderr } = await runText(["task", "test"], {
    env,
    cwd: path,
  });
  assertEquals(code, 0, stdout + stderr);
  assertMatch(stdout, /2 passed \| 0 failed/);
});

Deno.test("init overwrites nothing, and says in one line what is wrong", async () => {
  await using dir = await TempDir.create({
    "full/.hidden": "mine",
    "file": "mine",
  });
  const init = (...args: string[]) =>
    runText(["run", "--quiet", "-A", INIT, ...args], { cwd: dir.path });
  const wrong: [args: string[], code: number, said: RegExp][] = [
    [["full"], 1, /^init: \S+full is not empty, there is \.hidden: [^\n]+\n$/],
    [["file"], 1, /^init: Cannot make a project in \S+file: [^\n]+\n$/],
    [[], 2, /^init: One folder is expected[^\n]+got nothing\n$/],
    [["a", "b"], 2, /^init: One folder[^\n]+got "a b"\n$/],
    [["--force"], 2, /^init: One folder[^\n]+got "--force"\n$/],
  ];
  for (const [args, code, said] of wrong) {
    const ended = await init(...args);
    assertMatch(ended.stderr, said);
    assertEquals([ended.code, ended.stdout], [code, ""]);
  }
  assertEquals(await filesOf(dir.path), ["file", "full"]);
  assertEquals(await filesOf(dir.join("full")), [".hidden"]);
  // An empty folder that is there already is taken.
  await Deno.mkdir(dir.join("empty"));
  assertEquals((await init("empty")).code, 0);
  assertEquals(await filesOf(dir.join("empty")), FILES);
  // Made in a clone, it runs on the packages of the clone, also where JSR does not answer.
  const { links, tasks } = JSON.parse(
    await Deno.readTextFile(dir.join("empty/deno.json")),
  );
  const clone = fromFileUrl("../../").replace(/\/$/, "");
  assertEquals(links, [clone]);
  assertEquals(
    tasks.dev,
    `deno run -A "${clone}/tools/deno.ts" run -A dev.ts`,
  );
  const { code, stdout, stderr } = await runText(["task", "test"], {
    cwd: dir.join("empty"),
  });
  assertEquals(code, 0, stdout + stderr);
});

Deno.test({
  name:
    "a new project's dev task reloads the worker at a save, and no client is disconnected",
  ignore: !hasNpm,
  fn: async () => {
    await using stack = new AsyncDisposableStack();
    const { path, env } = await makeProject(stack);
    const [outer, inner, ws] = [freePort(), freePort(), freePort()];
    await change(`${path}/gateway.json`, "29000", `${outer}`);
    await change(`${path}/gateway.json`, "28000", `${inner}`);
    await change(`${path}/gateway.json`, "29001", `${ws}`);
    const { tasks } = JSON.parse(await Deno.readTextFile(`${path}/deno.json`));
    const [program, ...args] = tasks.dev.split(" ");
    assertEquals(program, "deno");
    {
      using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
      const { code, stderr } = await runText(
        [...args, `${taken.addr.port}`],
        { env, cwd: path },
      );
      assertEquals(code, 1);
      assertMatch(
        stderr,
        /^dev: no page at this port, name another one: .+\n$/m,
      );
    }
    const dev = stack.use(
      await startProcess(Deno.execPath(), {
        args: [...args, "0"],
        env,
        cwd: path,
        ready: /^page at (\S+)$/,
        timeout: 120_000,
      }),
    );
    // It ends its programs, whatever becomes of the test.
    stack.defer(async () => {
      dev.kill("SIGTERM");
      await dev.finished(60_000);
    });
    await dev.line(/^maple worker ready/, 120_000);

    const page = dev.ready![1]!;
    const html = await (await fetch(page)).text();
    assertMatch(html, /from "\.\/client\.js"/);
    const script = await (await fetch(`${page}client.js`)).text();
    assertMatch(script, /export \{[^}]*\bClient\b/);

    await using ann = new TcpClient(Box, "127.0.0.1", outer);
    const heard: string[] = [];
    ann.on(100, (box) => heard.push(box.text()));
    await ann.connect();
    assertEquals((await ann.request({ cmd: 1, body: { uid: 1 } })).ret, 0);
    const greets = async (words: string) => {
      await eventually(async () => {
        heard.length = 0;
        await ann.request({ cmd: 1, body: { uid: 1 } });
        await ann.request({ cmd: 2, body: "hello" });
        return heard.includes(`user 1 ${words}`);
      }, { what: `"user 1 ${words}" in ${heard}`, timeout: 60_000 });
    };
    await greets("is here");

    await change(`${path}/worker.ts`, " is here", " has come");
    await greets("has come");
    // A save that does not come up leaves the worker as it is.
    await change(`${path}/worker.ts`, " has come", ' has come" oops');
    await eventually(() => /reload failed/.test(dev.stderr), {
      what: "a reload that failed",
      timeout: 60_000,
    });
    await greets("has come");
    assertEquals(ann.closed, false);

    dev.kill("SIGTERM");
    assertEquals((await dev.finished(60_000)).code, 0);
  },
});
