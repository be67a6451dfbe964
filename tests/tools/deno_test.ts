import { assert, assertEquals, assertFalse, assertMatch } from "@std/assert";
import { answersJsr } from "../../tools/deno.ts";
import { startRegistry } from "../../tools/jsr_registry.ts";
import { fromFileUrl, runText, TempDir } from "./_helpers.ts";

const PROGRAM = fromFileUrl("../../tools/deno.ts");
const ROOT = fromFileUrl("../../");

/** With JSR_URL set, nothing is asked and nothing changed. */
const SET = { JSR_URL: "http://127.0.0.1:1/" };

Deno.test("deno.ts ends with the exit code of deno", async () => {
  const args = ["run", "-A", PROGRAM, "eval", "Deno.exit(7)"];
  const { code, stderr } = await runText(args, { env: SET });
  assertEquals({ code, stderr }, { code: 7, stderr: "" });
});

Deno.test("deno.ts ends with 128 + number when a signal ended deno", async () => {
  const code = `Deno.kill(Deno.pid, "SIGKILL"); await new Promise(() => {});`;
  const args = ["run", "-A", PROGRAM, "eval", code];
  assertEquals((await runText(args, { env: SET })).code, 137);
});

Deno.test("deno.ts passes signals on and changes nothing where JSR_URL is set", async () => {
  for (const signal of ["SIGTERM", "SIGHUP", "SIGUSR1"] as const) {
    const code = `
      Deno.addSignalListener("${signal}", () => Deno.exit(5));
      setInterval(() => {}, 1e6);
      console.log(Deno.env.get("JSR_URL"), Deno.env.get("DENO_DIR"));`;
    const child = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", PROGRAM, "eval", code],
      env: { ...SET, DENO_DIR: Deno.env.get("DENO_DIR") ?? "" },
      stdin: "null",
      stdout: "piped",
    }).spawn();
    const reader = child.stdout.pipeThrough(new TextDecoderStream())
      .getReader();
    const { value } = await reader.read();
    assertEquals(value, `${SET.JSR_URL} ${Deno.env.get("DENO_DIR") ?? ""}\n`);
    child.kill(signal);
    assertEquals((await child.status).code, 5, signal);
    await reader.cancel();
  }
});

Deno.test("deno.ts takes the stand-ins where JSR does not answer", async () => {
  await using dir = await TempDir.create();
  // Nothing listens on port 1, so through this proxy nothing can be reached.
  const env = {
    HOME: dir.path,
    PATH: Deno.env.get("PATH") ?? "",
    XDG_CACHE_HOME: dir.path,
    DENO_DIR: dir.join("users"),
    HTTPS_PROXY: "http://127.0.0.1:1",
    HTTP_PROXY: "http://127.0.0.1:1",
  };
  const code = `import { concat } from "@std/bytes/concat";
    console.log(concat([new Uint8Array(2)]).length, Deno.env.get("DENO_DIR"));`;
  const args = ["run", "-A", PROGRAM, "eval", "--quiet", code];
  const options = { env, clearEnv: true, cwd: ROOT };
  const { stdout, stderr } = await runText(args, options);
  assertMatch(stderr, /^tools\/deno\.ts: JSR does not answer; [^\n]+\n$/);
  assert(stdout.startsWith(`2 ${dir.path}`), stdout);
  assertFalse(stdout.includes(dir.join("users")));
});

Deno.test("answersJsr() is true where all packages can be imported", async () => {
  await using dir = await TempDir.create();
  await using registry = await startRegistry();
  const env = {
    JSR_URL: registry.url,
    DENO_DIR: dir.path,
    NO_PROXY: "127.0.0.1",
  };
  assert(await answersJsr({ env, timeoutMs: 60_000 }));
});

Deno.test("answersJsr() is false where nothing answers in time", async () => {
  await using dir = await TempDir.create();
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const env = {
    JSR_URL: `http://127.0.0.1:${listener.addr.port}/`,
    DENO_DIR: dir.path,
    NO_PROXY: "127.0.0.1",
  };
  assertFalse(await answersJsr({ env, timeoutMs: 300 }));
});
