import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { compile, CompileError } from "../../tools/compile.ts";
import { fromFileUrl, runText, TempDir } from "./_helpers.ts";

Deno.test("compile.ts and check.ts answer bad use with one line and exit code 2", async () => {
  const env = { JSR_URL: "http://127.0.0.1:1/" };
  for (const tool of ["compile", "check"]) {
    const program = fromFileUrl(`../../tools/${tool}.ts`);
    const args = ["run", "-A", program, "nope"];
    const { code, stderr } = await runText(args, { env });
    assertEquals(code, 2);
    assertMatch(stderr, new RegExp(`^${tool}: [^\\n]*"nope"[^\\n]+\\n$`));
  }
});

Deno.test("compile() says in one line that there is no runtime, and leaves what was there", async () => {
  await using dir = await TempDir.create({
    "main.ts": "export {};\n",
    "out/main": "before",
  });
  const env = { DENORT_BIN: dir.join("no_denort"), DENO_DIR: dir.path };
  const run = () => compile(dir.join("main.ts"), dir.join("out/main"), { env });
  const error = await assertRejects(run, CompileError, "no_denort");
  assertMatch(error.message, /^[^\n]+: check DENORT_BIN$/);
  assertEquals(await Deno.readTextFile(dir.join("out/main")), "before");
  assertEquals([...Deno.readDirSync(dir.join("out"))].length, 1);
});

Deno.test("compile() passes on what is wrong with the program", async () => {
  await using dir = await TempDir.create();
  const run = () => compile(dir.join("none.ts"), dir.join("main"));
  await assertRejects(run, CompileError, "none.ts");
});
