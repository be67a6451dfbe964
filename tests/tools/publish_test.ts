import { assertEquals, assertThrows } from "@std/assert";
import type { PackageConfig } from "../../tools/jsr_package.ts";
import { publishOrder } from "../../tools/publish.ts";
import { readConfig, workspaceFolders } from "../../tools/jsr_package.ts";
import { fromFileUrl } from "./_helpers.ts";

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

Deno.test("publishOrder() refuses versions that differ", () => {
  assertThrows(
    () => publishOrder([pkg("a"), pkg("b", "1.0.1")], { a: [], b: [] }),
    Error,
    "the versions must be equal, they are a 1.0.0, b 1.0.1",
  );
});

Deno.test("publishOrder() takes our six packages", async () => {
  const root = fromFileUrl("../../");
  const folders = [root, ...await workspaceFolders(root)];
  const order = publishOrder(await Promise.all(folders.map(readConfig)));
  assertEquals(order.length, 6);
  assertEquals(order[0]!.name, "@maple/box");
  assertEquals(order[5]!.name, "@maple/maple");
});
