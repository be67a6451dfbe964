// workingFolder() and pathAsCalled(): names that lead through symbolic links.

import { assertEquals } from "@std/assert";
import { pathAsCalled } from "@maple/box/internal";

Deno.test("pathAsCalled() gives the link by which a program was called, and nothing for what leads elsewhere", () => {
  const root = Deno.realPathSync(
    Deno.makeTempDirSync({ prefix: "maple_link_" }),
  );
  try {
    const found = `${root}/releases/1/app`;
    Deno.mkdirSync(`${root}/releases/1`, { recursive: true });
    Deno.writeTextFileSync(found, "");
    Deno.symlinkSync(`${root}/releases/1`, `${root}/current`);
    const byLink = `${root}/current/app`;
    const cases: [called: string | undefined, path: string | undefined][] = [
      [byLink, byLink],
      ["current/app", `${root}/current/app`],
      ["./current/app", `${root}/./current/app`],
      [found, found],
      ["app", undefined],
      [undefined, undefined],
      ["./app", undefined],
      ["/bin/sh", undefined],
    ];
    for (const [called, path] of cases) {
      assertEquals(pathAsCalled(called, found, root), path, called);
    }
    assertEquals(pathAsCalled("current/app", found, undefined), undefined);
    // The link leads elsewhere by the time that it is looked at.
    Deno.mkdirSync(`${root}/releases/2`);
    Deno.removeSync(`${root}/current`);
    Deno.symlinkSync(`${root}/releases/2`, `${root}/current`);
    assertEquals(pathAsCalled(byLink, found, root), undefined);
  } finally {
    Deno.removeSync(root, { recursive: true });
  }
});
