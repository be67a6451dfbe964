import { assert, assertEquals } from "@std/assert";
import type { PackageConfig } from "../../tools/jsr_package.ts";
import { publishOrder } from "../../tools/publish.ts";
import { readConfig, workspaceFolders } from "../../tools/jsr_package.ts";
import { startRegistry } from "../../tools/jsr_registry.ts";
import { versionProblems } from "../../tools/versions.ts";
import { fromFileUrl, runText, TempDir } from "./_helpers.ts";

function pkg(name: string, version = "1.0.0"): PackageConfig {
  return {
    dir: `/${name}`,
    name,
    version,
    exports: {},
    publish: { include: [], exclude: [] },
  };
}

Deno.test("publishOrder() puts each package after those that it imports, the root last", () => {
  const packages = ["root", "c", "a", "b"].map((name) => pkg(name));
  const order = publishOrder(packages, { a: [], b: ["a"], c: ["a", "b"] });
  assertEquals(order.map(({ name }) => name), ["a", "b", "c", "root"]);
});

Deno.test("publishOrder() takes our six packages", async () => {
  const root = fromFileUrl("../../");
  const folders = [root, ...await workspaceFolders(root)];
  const order = publishOrder(await Promise.all(folders.map(readConfig)));
  assertEquals(order.length, 6);
  assertEquals(order[0]!.name, "@maple/box");
  assertEquals(order[5]!.name, "@maple/maple");
});

// What JSR is sent: the registry that holds the packages, and its API in front of it.
async function published(dir: string): Promise<string> {
  await using registry = await startRegistry();
  await using cache = await TempDir.create();
  let sent: Blob | undefined;
  await using server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen: () => {} },
    async (request) => {
      const { pathname } = new URL(request.url);
      if (!pathname.startsWith("/api/")) {
        return await fetch(new URL(pathname, registry.url));
      }
      if (request.method === "POST") {
        sent = await request.blob();
        return Response.json({ id: "1", status: "success", error: null });
      }
      if (!pathname.includes("/versions/")) return Response.json({});
      const code = "packageVersionNotFound";
      return Response.json({ code, message: "none" }, { status: 404 });
    },
  );
  const args = ["publish", "--token", "any", "--allow-dirty", "--no-check"];
  const { stderr } = await runText([...args, "--no-provenance"], {
    cwd: dir,
    env: {
      JSR_URL: `http://127.0.0.1:${server.addr.port}/`,
      DENO_DIR: cache.path,
      NO_PROXY: "127.0.0.1",
    },
  });
  assert(sent, stderr);
  const files = sent.stream().pipeThrough(new DecompressionStream("gzip"));
  return await new Response(files).text();
}

Deno.test("deno publish has a package ask for exactly its own version of the others", async () => {
  const { version } = await readConfig(fromFileUrl("../../worker"));
  const text = await published(fromFileUrl("../../worker"));
  const asked = text.matchAll(/from "jsr:(@maple\/\w+)@([^"\/]+)/g);
  const versions = new Map([...asked].map(([, name, range]) => [name, range]));
  assertEquals(Object.fromEntries(versions), {
    "@maple/box": version,
    "@maple/haven": version,
  });
});

Deno.test("versionProblems() tells a version that was forgotten, and an import", () => {
  const packages = [pkg("a"), pkg("b")];
  const imports = { a: "jsr:a@1.0.0", b: "jsr:b@1.0.0" };
  assertEquals(versionProblems(packages, imports, ["a", "b"]), []);
  assertEquals(versionProblems([pkg("a"), pkg("b", "1.0.1")], imports, ["a"]), [
    "the versions must be equal, they are a 1.0.0, b 1.0.1",
  ]);
  const raised = [pkg("a", "1.0.1"), pkg("b", "1.0.1")];
  assertEquals(
    versionProblems(raised, { a: "jsr:a@^1.0.1", b: "jsr:b@1.0.1" }, [
      "a",
      "b",
      "c",
    ]),
    [
      `"imports" of deno.json must say "a": "jsr:a@1.0.1", it says "jsr:a@^1.0.1"`,
      `"imports" of deno.json must say "c": "jsr:c@1.0.1", it says ""`,
    ],
  );
});
