import { Buffer } from "node:buffer";
import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { fromFileUrl, runText, TempDir } from "./_helpers.ts";
import { PackageError } from "../../tools/jsr_package.ts";
import { startRegistry } from "../../tools/jsr_registry.ts";

interface VersionMeta {
  exports: Record<string, string>;
  manifest: Record<string, { size: number; checksum: string }>;
}

const PROGRAM = fromFileUrl("../../tools/jsr_registry.ts");

async function getText(url: string): Promise<string> {
  const response = await fetch(url);
  const text = await response.text();
  assertEquals(response.status, 200, url);
  return text;
}

/** A workspace of two packages, one of which imports the other. */
async function makeWorkspace(): Promise<TempDir> {
  return await TempDir.create({
    "deno.json": JSON.stringify({
      workspace: ["./one", "./two"],
      imports: { "@std/bytes": "jsr:@std/bytes@^1.0.0", "lib/": "npm:lib@1/" },
    }),
    "one/deno.json": JSON.stringify({
      name: "@test/one",
      version: "1.2.3",
      exports: { ".": "./mod.ts", "./extra": "./src/extra.ts" },
    }),
    "one/mod.ts": `export const one: number = 1;\n`,
    "one/mod_test.ts": `throw new Error("never published");\n`,
    "one/.hidden.ts": `\n`,
    "one/src/extra.ts": `export * from "../mod.ts";\n`,
    "two/deno.json": JSON.stringify({
      name: "@test/two",
      version: "0.1.0",
      exports: "./mod.ts",
      publish: { include: ["*.ts", "data/"], exclude: ["not_this.ts"] },
    }),
    "two/mod.ts": `import { concat } from "@std/bytes/concat";
import { one } from "@test/one/extra";
// import "@test/one";
export const lazy = async (): Promise<unknown> => await import("@test/one");
export const two: number = one + concat([new Uint8Array(1)]).length;
`,
    "two/not_this.ts": `import "lib/x";\n`,
    "two/data/table.json": `{ "import": "@test/one" }\n`,
    "two/README.txt": `not included\n`,
  });
}

Deno.test("startRegistry() serves folders as publishing would make them", async () => {
  await using dir = await makeWorkspace();
  await using registry = await startRegistry({
    also: { "@test/one": dir.join("one"), "@test/two": dir.join("two") },
  });
  const base = `${registry.url}@test/two/`;
  assertEquals(JSON.parse(await getText(`${base}meta.json`)), {
    scope: "test",
    name: "two",
    latest: "0.1.0",
    versions: { "0.1.0": {} },
  });
  const meta = JSON.parse(
    await getText(`${base}0.1.0_meta.json`),
  ) as VersionMeta;
  assertEquals(meta.exports, { ".": "./mod.ts" });
  assertEquals(Object.keys(meta.manifest), ["/data/table.json", "/mod.ts"]);

  const source = await getText(`${base}0.1.0/mod.ts`);
  assertStringIncludes(source, `from "jsr:@std/bytes@^1.0.0/concat"`);
  assertStringIncludes(source, `from "jsr:@test/one@^1.2.3/extra"`);
  assertStringIncludes(source, `import("jsr:@test/one@^1.2.3")`);
  assertStringIncludes(source, `// import "@test/one";`);
  const json = await getText(`${base}0.1.0/data/table.json`);
  assertEquals(json, `{ "import": "@test/one" }\n`);

  const bytes = new TextEncoder().encode(source);
  const digest = await crypto.subtle.digest("SHA-256", bytes);
  assertEquals(meta.manifest["/mod.ts"], {
    size: bytes.length,
    checksum: `sha256-${Buffer.from(digest).toString("hex")}`,
  });
  const one = JSON.parse(
    await getText(`${registry.url}@test/one/1.2.3_meta.json`),
  ) as VersionMeta;
  const files = ["/deno.json", "/mod.ts", "/src/extra.ts"];
  assertEquals(Object.keys(one.manifest), files);
});

Deno.test("startRegistry() serves this project's packages and the stand-ins", async () => {
  await using registry = await startRegistry();
  for (const name of ["@maple/box", "@maple/maple", "@std/assert"]) {
    await getText(`${registry.url}any/path/${name}/meta.json`);
  }
  const wrong = ["", "@maple/no/meta.json", "@maple/box/9.9.9_meta.json"];
  for (const path of [...wrong, "@maple/box/0.1.0/no.ts"]) {
    const response = await fetch(registry.url + path);
    await response.body?.cancel();
    assertEquals(response.status, 404, path);
  }
});

Deno.test("startRegistry() reads a package again when its meta is asked for", async () => {
  await using dir = await makeWorkspace();
  await using registry = await startRegistry({
    also: { "@test/one": dir.join("one") },
  });
  const url = `${registry.url}@test/one/1.2.3`;
  await getText(`${url}_meta.json`);
  await Deno.writeTextFile(dir.join("one/mod.ts"), "export const one = 11;\n");
  await getText(`${url}_meta.json`);
  assertEquals(await getText(`${url}/mod.ts`), "export const one = 11;\n");
  await using other = await startRegistry({
    also: { "@test/one": dir.join("one") },
  });
  assert(other.contentHash !== registry.contentHash);
});

Deno.test("startRegistry() refuses a folder that is no such package", async () => {
  await using dir = await makeWorkspace();
  const start = (name: string, folder: string) =>
    startRegistry({ also: { [name]: dir.join(folder) } });
  await assertRejects(
    () => start("@test/x", "none"),
    PackageError,
    "No deno.json",
  );
  await assertRejects(
    () => start("@test/x", ""),
    PackageError,
    "must have name",
  );
  await assertRejects(() => start("@test/x", "one"), PackageError, "@test/one");
});

Deno.test("startRegistry() lets deno run a package through JSR_URL", async () => {
  await using dir = await makeWorkspace();
  await Deno.mkdir(dir.join("app"));
  await Deno.writeTextFile(
    dir.join("app/main.ts"),
    `import { lazy, two } from "jsr:@test/two@^0.1.0";
     console.log(two, Object.keys(await lazy() as object));`,
  );
  await using registry = await startRegistry({
    also: { "@test/one": dir.join("one"), "@test/two": dir.join("two") },
  });
  const env = {
    JSR_URL: registry.url,
    DENO_DIR: dir.join("deno_dir"),
    NO_PROXY: "127.0.0.1",
  };
  const args = ["run", "--no-config", "--check", "-A", dir.join("app/main.ts")];
  const { code, stdout, stderr } = await runText(args, { env });
  assertEquals({ code, stdout }, { code: 0, stdout: `2 [ "one" ]\n` }, stderr);
});

Deno.test("jsr_registry.ts says when it is ready and stops on TERM", async () => {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", PROGRAM],
    stdout: "piped",
  }).spawn();
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  const { value = "" } = await reader.read();
  const ready = /^jsr registry ready (http:\/\/127\.0\.0\.1:\d+\/)\n$/;
  assertMatch(value, ready);
  await getText(`${ready.exec(value)![1]}@maple/box/meta.json`);
  child.kill("SIGTERM");
  assertEquals((await child.status).code, 0);
  await reader.cancel();
});

Deno.test("jsr_registry.ts answers bad use with one line and exit code 2", async () => {
  const wrong = [["--port", "x"], ["--also", "x"], ["--nope"], [
    "--also",
    "@a/b=/nonexistent",
  ]];
  for (const args of wrong) {
    const { code, stderr } = await runText(["run", "-A", PROGRAM, ...args]);
    assertEquals(code, 2);
    assertMatch(stderr, /^jsr_registry: [^\n]+\n$/);
  }
});
