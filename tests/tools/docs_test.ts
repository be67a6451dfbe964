// The documentation is built as it is published; each of its links leads to a page and, on it, to a
// place that there is.

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { dirname, extname, join, relative } from "node:path";
import { walk, workspaceFolders } from "../../tools/jsr_package.ts";
import { APIS, MENU, pageOf } from "../../tools/docs/layout.ts";
import { markdownPage } from "../../tools/docs/markdown.ts";
import { buildSite } from "../../tools/docs/site.ts";
import { fromFileUrl } from "./_helpers.ts";

const ROOT = fromFileUrl("../../");

/** What tasks make. */
const MADE = /^dist\//;

/** What `deno doc` gets wrong: members whose names are computed, types that are inferred. */
const OF_DENO_DOC = /^api\/.*: (?:.*\[Symbol\.for\(.*|#type_param_\w+)$/;

interface PageLinks {
  readonly ids: ReadonlySet<string>;
  readonly links: readonly string[];
}

function unescaped(text: string): string {
  return text.replaceAll("&#x2F;", "/").replaceAll("&#x27;", "'")
    .replaceAll("&quot;", '"').replaceAll("&lt;", "<").replaceAll("&gt;", ">")
    .replaceAll("&amp;", "&");
}

function linksOf(html: string): PageLinks {
  const values = (attributes: string) =>
    Array.from(
      html.matchAll(new RegExp(` (?:${attributes})="([^"]*)"`, "g")),
      ([, value]) => unescaped(value!),
    );
  return { ids: new Set(values("id")), links: values("href|src") };
}

/** The links of a folder's pages that lead nowhere. */
async function brokenLinks(folder: string): Promise<string[]> {
  const files = new Set<string>();
  const pages = new Map<string, PageLinks>();
  for await (const file of walk(folder)) {
    files.add(file);
    if (extname(file) === ".html") {
      pages.set(file, linksOf(await Deno.readTextFile(file)));
    }
  }
  const broken: string[] = [];
  for (const [page, { links }] of pages) {
    for (const link of links) {
      if (/^[a-z]+:/.test(link)) continue;
      const [path, anchor] = link.split("#") as [string, string?];
      let target = path === "" ? page : join(dirname(page), decodeURI(path));
      if (target.endsWith("/")) target += "index.html";
      const there = anchor === undefined || anchor === ""
        ? files.has(target)
        : pages.get(target)?.ids.has(decodeURIComponent(anchor));
      if (!there) broken.push(`${relative(folder, page)}: ${link}`);
    }
  }
  return broken;
}

Deno.test("the documentation holds all texts, and its links lead to what there is", async () => {
  const texts: string[] = [];
  for (const folder of [ROOT, ...await workspaceFolders(ROOT)]) {
    for await (const file of walk(join(ROOT, relative(ROOT, folder)))) {
      const path = relative(ROOT, file);
      if (path.endsWith(".md") && !MADE.test(path)) texts.push(path);
    }
  }
  const told = MENU.flatMap(({ pages }) => Object.keys(pages));
  assertEquals(told.toSorted(), texts.sort());

  const folder = await Deno.makeTempDir({ prefix: "maple_docs_" });
  try {
    await buildSite(folder);
    for (const source of told) {
      const page = pageOf(source);
      assert((await Deno.stat(join(folder, page))).isFile, page);
    }
    for (const { name, folder: api } of APIS) {
      const page = await Deno.readTextFile(join(folder, api, "index.html"));
      assert(page.includes(`<title>${name}</title>`), name);
      assert(page.includes('<a href="../../index.html"'), name);
      assert(page.includes(`from &quot;${name}&quot;`), name);
    }
    const start = await Deno.readTextFile(join(folder, "index.html"));
    assert(start.includes('src="examples/demo.svg"'));
    assert(!start.includes("<script"));
    const broken = await brokenLinks(folder);
    assertEquals(broken.filter((link) => !OF_DENO_DOC.test(link)), []);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("links that lead nowhere are found", async () => {
  const folder = await Deno.makeTempDir({ prefix: "maple_docs_" });
  try {
    await Deno.mkdir(join(folder, "sub"));
    await Deno.writeTextFile(
      join(folder, "index.html"),
      `<h1 id="a"></h1><a href="sub/x.html#b"></a><a href="#a"></a><a href="https://x.example/"></a>`,
    );
    await Deno.writeTextFile(
      join(folder, "sub/x.html"),
      `<img src="none.png"><a href="../index.html#b"></a><a href="../index.html#a"></a>`,
    );
    assertEquals((await brokenLinks(folder)).sort(), [
      "index.html: sub/x.html#b",
      "sub/x.html: ../index.html#b",
      "sub/x.html: none.png",
    ]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("markdownPage() gives headings the anchors that they have in repositories, and code its colours", () => {
  const { html, title, sections } = markdownPage(
    "# The `gateway`\n\n## One, several, many\n\n## 再来 & again\n\n## One, several, many\n\n" +
      "```ts\nconst a = 1;\n```\n\n```\n<plain>\n```\n\n| `a|b` |\n| - |\n| <b> |\n",
  );
  assertEquals(title, "The gateway");
  assertEquals(sections.map(({ id }) => id), [
    "one-several-many",
    "再来--again",
    "one-several-many-1",
  ]);
  assertStringIncludes(html, '<span class="hljs-keyword">const</span>');
  assertStringIncludes(html, "<pre><code>&lt;plain&gt;</code></pre>");
});
