// buildSite: the documentation as static pages, from the Markdown and the sources of the project.

import { dirname, extname, join, relative } from "node:path";
import { dirname as dirOfLink, join as joinLink } from "node:path/posix";
import { walk } from "../jsr_package.ts";
import { ROOT } from "../jsr_registry.ts";
import {
  type Api,
  APIS,
  layout,
  linkTo,
  MENU,
  pageOf,
  STYLE,
} from "./layout.ts";
import { codeHtml, escapeHtml, markdownPage } from "./markdown.ts";

const IMAGES = new Set([".png", ".svg"]);

const LANGUAGES: Readonly<Record<string, string>> = {
  ".cs": "csharp",
  ".mjs": "js",
  ".py": "python",
  ".yml": "yaml",
};

/** What is built, and into which folder. */
class Site {
  readonly #out: string;
  /** Pages and images that are there already or will be. */
  readonly #known = new Set(MENU.flatMap(({ pages }) => Object.keys(pages)));

  constructor(out: string) {
    this.#out = out;
  }

  async write(page: string, content: string | Uint8Array): Promise<void> {
    const file = join(this.#out, page);
    await Deno.mkdir(dirname(file), { recursive: true });
    if (typeof content === "string") await Deno.writeTextFile(file, content);
    else await Deno.writeFile(file, content);
  }

  /** The page of a Markdown text. */
  async guide(source: string): Promise<void> {
    const page = pageOf(source);
    const { html, title, sections } = markdownPage(
      await Deno.readTextFile(join(ROOT, source)),
    );
    const own = APIS.find(({ file }) =>
      file === joinLink(dirOfLink(source), "mod.ts")
    );
    const api = own === undefined
      ? ""
      : `<p class="api"><a href="${
        linkTo(page, `${own.folder}/index.html`)
      }">API of ${own.name}</a></p>\n`;
    await this.write(
      page,
      layout({
        page,
        title,
        html: api + await this.#withLinks(html, source),
        sections,
        lang: source.includes("zh-CN") ? "zh-CN" : "en",
      }),
    );
  }

  /** Links to files of the project become links to their pages, which are made. */
  async #withLinks(html: string, source: string): Promise<string> {
    const pattern = / (href|src)="([^"]*)"/g;
    const targets = new Map<string, string>();
    for (const [, , link] of html.matchAll(pattern)) {
      if (/^([a-z]+:|#)/.test(link!)) continue;
      const [path, anchor] = link!.split("#") as [string, string?];
      const page = await this.#pageFor(joinLink(dirOfLink(source), path));
      targets.set(
        link!,
        linkTo(pageOf(source), page) +
          (anchor === undefined ? "" : `#${anchor}`),
      );
    }
    return html.replaceAll(
      pattern,
      (whole, name, link) =>
        targets.has(link) ? ` ${name}="${targets.get(link)}"` : whole,
    );
  }

  /** Where a file or folder of the project is on the site. */
  async #pageFor(path: string): Promise<string> {
    const target = path.replace(/\/$/, "");
    const isFolder = (await Deno.stat(join(ROOT, target))).isDirectory;
    if (isFolder && this.#known.has(`${target}/README.md`)) {
      return `${target}/index.html`;
    }
    if (target.endsWith(".md")) {
      if (this.#known.has(target)) return pageOf(target);
      throw new Error(`${target} is not in the menu of tools/docs/layout.ts`);
    }
    const isImage = IMAGES.has(extname(target));
    // What begins with a dot is not published.
    const place = target.replace(/^\./, "");
    const page = isFolder
      ? `${place}/index.html`
      : isImage
      ? place
      : `${place}.html`;
    if (this.#known.has(page)) return page;
    this.#known.add(page);
    if (isFolder) await this.#folder(target, page);
    else if (isImage) {
      await this.write(page, await Deno.readFile(join(ROOT, target)));
    } else await this.#source(target, page);
    return page;
  }

  async #source(path: string, page: string): Promise<void> {
    const text = await Deno.readTextFile(join(ROOT, path));
    const extension = extname(path);
    const language = LANGUAGES[extension] ?? extension.slice(1);
    const title = escapeHtml(path);
    await this.write(
      page,
      layout({
        page,
        title: path,
        html: `<h1>${title}</h1>\n${codeHtml(text, language)}`,
      }),
    );
  }

  async #folder(path: string, page: string): Promise<void> {
    const names = (await Array.fromAsync(Deno.readDir(join(ROOT, path))))
      .map(({ name }) => name).sort();
    const items: string[] = [];
    for (const name of names) {
      const to = linkTo(page, await this.#pageFor(`${path}/${name}`));
      items.push(`<li><a href="${to}">${escapeHtml(name)}</a></li>`);
    }
    await this.write(
      page,
      layout({
        page,
        title: path,
        html: `<h1>${escapeHtml(path)}</h1>\n<ul>\n${
          items.join("\n")
        }\n</ul>\n`,
      }),
    );
  }

  /** The API of an entry point, by `deno doc`. */
  async api(
    { name, file, folder }: Api,
    env: Readonly<Record<string, string>>,
  ): Promise<void> {
    const out = join(this.#out, folder);
    const { success, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["doc", "--html", `--name=${name}`, `--output=${out}`, file],
      cwd: ROOT,
      env,
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).output();
    if (!success) throw new Error(new TextDecoder().decode(stderr).trim());
    for await (const path of walk(out)) {
      if (extname(path) !== ".html") continue;
      const page = relative(this.#out, path).replaceAll("\\", "/");
      const home = linkTo(page, "index.html");
      const html = await Deno.readTextFile(path);
      await Deno.writeTextFile(
        path,
        html.replace(
          '<ul class="breadcrumbs">',
          `<a href="${home}" style="margin-right: 1rem">maple</a>$&`,
        )
          // It does not know by which name the entry point is imported.
          .replaceAll("from &quot;.&quot;;", `from &quot;${name}&quot;;`)
          .replace(`. - ${name} documentation</title>`, `${name}</title>`),
      );
    }
  }
}

/**
 * Builds all of it.
 *
 * @param out The folder, which is emptied first.
 * @param env Environment variables for Deno.
 */
export async function buildSite(
  out: string,
  env: Readonly<Record<string, string>> = {},
): Promise<void> {
  try {
    await Deno.remove(out, { recursive: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  const site = new Site(out);
  // `deno doc` makes the last folder of its path only.
  await Deno.mkdir(join(out, "api"), { recursive: true });
  for (const api of APIS) await site.api(api, env);
  await site.write("style.css", STYLE);
  for (const { pages } of MENU) {
    for (const source of Object.keys(pages)) await site.guide(source);
  }
}
