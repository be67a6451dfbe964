// layout: what is around the text of each page of the documentation.

import { dirname, relative } from "node:path/posix";
import { escapeHtml, type MarkdownPage } from "./markdown.ts";

/** A part of the menu: its title and its pages, by the source of each. */
export interface MenuPart {
  readonly title: string;
  readonly pages: Readonly<Record<string, string>>;
}

/** The guides, in the order in which they are read. */
export const MENU: readonly MenuPart[] = [
  {
    title: "Begin",
    pages: {
      "README.md": "maple",
      "README.zh-CN.md": "简体中文",
      "examples/tutorial/README.md": "A card table in 15 minutes",
      "COMPARISON.md": "Beside others",
    },
  },
  {
    title: "Packages",
    pages: {
      "gateway/README.md": "gateway",
      "worker/README.md": "worker",
      "trigger/README.md": "trigger",
      "haven/README.md": "haven",
      "box/README.md": "box",
      "examples/clients/README.md": "Clients in other languages",
    },
  },
  {
    title: "Run it",
    pages: {
      "gateway/deploy/README.md": "Deployment",
      "bench/README.md": "Load tool and benchmarks",
      "examples/doudizhu/README.md": "The card game",
    },
  },
  {
    title: "Project",
    pages: {
      "CHANGELOG.md": "Changes",
      "CONTRIBUTING.md": "Working on maple",
      "SECURITY.md": "Security",
      "DEPENDENCIES.md": "Dependencies",
      "CODE_OF_CONDUCT.md": "Code of conduct",
    },
  },
];

/** An entry point of a package. */
export interface Api {
  readonly name: string;
  readonly file: string;
  /** The folder of its pages. */
  readonly folder: string;
}

function api(name: string, file: string): Api {
  const folder = `api/${name.replace("@maple/", "").replace("/", "-")}`;
  return { name, file, folder };
}

/** The entry points that users import, in the order of the menu. */
export const APIS: readonly Api[] = [
  api("@maple/gateway", "gateway/mod.ts"),
  api("@maple/worker", "worker/mod.ts"),
  api("@maple/trigger", "trigger/mod.ts"),
  api("@maple/haven", "haven/mod.ts"),
  api("@maple/haven/testing", "haven/testing.ts"),
  api("@maple/box", "box/mod.ts"),
  api("@maple/box/client", "box/client_mod.ts"),
];

/** Where the page of a text is: a README is its folder's. */
export function pageOf(source: string): string {
  return source === "README.md" || source.endsWith("/README.md")
    ? source.replace(/README\.md$/, "index.html")
    : source.replace(/\.md$/, ".html");
}

/** From a page to another one. */
export function linkTo(from: string, to: string): string {
  return relative(dirname(from), to) || to;
}

function menu(page: string, sections: MarkdownPage["sections"]): string {
  const item = (to: string, title: string) => {
    if (to !== page) {
      return `<li><a href="${linkTo(page, to)}">${title}</a></li>`;
    }
    const inner = sections.map(({ id, html }) =>
      `<li><a href="#${id}">${html}</a></li>`
    );
    return `<li><a class="here" aria-current="page" href="#top">${title}</a>${
      inner.length > 0 ? `<ul>${inner.join("")}</ul>` : ""
    }</li>`;
  };
  const part = (title: string, items: readonly string[]) =>
    `<h2>${title}</h2>\n<ul>\n${items.join("\n")}\n</ul>`;
  return [
    ...MENU.map(({ title, pages }) =>
      part(
        title,
        Object.entries(pages).map(([source, name]) =>
          item(pageOf(source), name)
        ),
      )
    ),
    part(
      "API",
      APIS.map(({ name, folder }) => item(`${folder}/index.html`, name)),
    ),
  ].join("\n");
}

/** What {@linkcode layout} puts together. */
export interface Layout {
  /** Where the page will be. */
  readonly page: string;
  readonly title: string;
  readonly html: string;
  readonly sections?: MarkdownPage["sections"];
  /** The language of the text. @default {"en"} */
  readonly lang?: string;
}

/** A whole page. */
export function layout(
  { page, title, html, sections = [], lang = "en" }: Layout,
): string {
  const whole = title === "maple" ? title : `${title} · maple`;
  return `<!DOCTYPE html>
<html lang="${lang}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escapeHtml(whole)}</title>
<link rel="stylesheet" href="${linkTo(page, "style.css")}">
</head>
<body id="top">
<header><a class="name" href="${
    linkTo(page, "index.html")
  }">maple</a><a class="to-menu" href="#menu">Menu</a></header>
<div class="columns">
<main>
${html}</main>
<nav id="menu" aria-label="Pages">
${menu(page, sections)}
</nav>
</div>
</body>
</html>
`;
}

/** The one style sheet. */
export const STYLE = `:root {
  --text: #1f2328; --soft: #59636e; --page: #ffffff; --shade: #f6f8fa; --line: #d1d9e0;
  --link: #0757b8; --word: #a0111f; --string: #0a4a85; --number: #0550ae; --name: #6639ba;
}
@media (prefers-color-scheme: dark) {
  :root {
    --text: #e6edf3; --soft: #9198a1; --page: #0d1117; --shade: #161b22; --line: #3d444d;
    --link: #79b8ff; --word: #ff7b72; --string: #a5d6ff; --number: #79c0ff; --name: #d2a8ff;
  }
}
* { box-sizing: border-box; }
html { scroll-padding-top: 4rem; }
body { margin: 0; color: var(--text); background: var(--page);
  font: 16px/1.6 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Noto Sans CJK SC", sans-serif; }
a { color: var(--link); text-decoration: none; }
a:hover { text-decoration: underline; }
header { position: sticky; top: 0; z-index: 1; display: flex; justify-content: space-between;
  align-items: center; height: 3.25rem; padding: 0 1.25rem; background: var(--page);
  border-bottom: 1px solid var(--line); }
header .name { color: var(--text); font-size: 1.15rem; font-weight: 700; }
main { min-width: 0; padding: 0.5rem 1.25rem 4rem; }
nav { padding: 1rem 1.25rem 4rem; border-top: 1px solid var(--line); scroll-margin-top: 3.25rem; }
nav h2 { margin: 1.25rem 0 0.25rem; border: 0; padding: 0; color: var(--soft); font-size: 0.8rem;
  text-transform: uppercase; letter-spacing: 0.04em; }
nav ul { margin: 0; padding: 0; list-style: none; font-size: 0.92rem; }
nav ul ul { margin-left: 0.4rem; padding-left: 0.7rem; border-left: 1px solid var(--line); font-size: 0.85rem; }
nav li a { display: block; padding: 0.15rem 0; color: inherit; }
nav .here { font-weight: 700; }
h1, h2, h3, h4 { line-height: 1.25; overflow-wrap: break-word; }
h1 { margin: 1.2rem 0 0.8rem; font-size: 2rem; }
h2 { margin: 2.4rem 0 0.8rem; padding-bottom: 0.3rem; border-bottom: 1px solid var(--line); font-size: 1.45rem; }
h3 { margin: 1.8rem 0 0.6rem; font-size: 1.15rem; }
img { max-width: 100%; height: auto; }
code { font: 0.875em/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; }
:not(pre) > code { padding: 0.1em 0.3em; border-radius: 4px; background: var(--shade); overflow-wrap: anywhere; }
pre { padding: 0.8rem 1rem; overflow-x: auto; border-radius: 6px; background: var(--shade); }
.table { overflow-x: auto; margin: 1rem 0; }
table { border-collapse: collapse; font-size: 0.92rem; }
th, td { padding: 0.4rem 0.7rem; border: 1px solid var(--line); text-align: left; vertical-align: top; min-width: 5rem; }
th { background: var(--shade); }
td:first-child code { white-space: nowrap; }
blockquote { margin: 1rem 0; padding-left: 1rem; border-left: 3px solid var(--line); color: var(--soft); }
.api { float: right; margin: 1.6rem 0 0 1rem; }
.hljs-comment, .hljs-meta { color: var(--soft); }
.hljs-keyword, .hljs-deletion, .hljs-type { color: var(--word); }
.hljs-string, .hljs-addition, .hljs-regexp { color: var(--string); }
.hljs-number, .hljs-literal, .hljs-attr, .hljs-property { color: var(--number); }
.hljs-title, .hljs-built_in, .hljs-section, .hljs-name { color: var(--name); }
@media (min-width: 900px) {
  .to-menu { display: none; }
  .columns { display: grid; grid-template-columns: 16rem minmax(0, 1fr); max-width: 80rem; margin: 0 auto; }
  main { grid-column: 2; grid-row: 1; padding: 0.5rem 2rem 4rem; }
  nav { grid-column: 1; grid-row: 1; border: 0; position: sticky; top: 3.25rem;
    align-self: start; max-height: calc(100vh - 3.25rem); overflow-y: auto; padding-bottom: 2rem; }
}
`;
