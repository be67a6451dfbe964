// markdownPage: a Markdown text as HTML, with the anchors that its headings have on the pages of
// repositories, and its code in colours.

import hljs from "npm:highlight.js@11.12.0/lib/common";
import { Marked, type MarkedExtension } from "npm:marked@18.2.1";
import { getHeadingList, gfmHeadingId } from "npm:marked-gfm-heading-id@4.1.4";

/** A Markdown text as HTML. */
export interface MarkdownPage {
  readonly html: string;
  /** The text of its first heading. */
  readonly title: string;
  /** Its headings of the second level, as HTML. */
  readonly sections: readonly { readonly id: string; readonly html: string }[];
}

/** Makes text safe to stand in HTML. */
export function escapeHtml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}

/** Code as HTML, in colours where the language is known. */
export function codeHtml(code: string, language = ""): string {
  const html = hljs.getLanguage(language)
    ? hljs.highlight(code, { language }).value
    : escapeHtml(code);
  return `<pre><code>${html}</code></pre>\n`;
}

const extension: MarkedExtension = {
  renderer: {
    code: ({ text, lang }) => codeHtml(text, lang),
    // A wide table scrolls by itself, not the page.
    table(token) {
      const row = (cells: typeof token.header) =>
        `<tr>${cells.map((cell) => this.tablecell(cell)).join("")}</tr>\n`;
      return `<div class="table"><table>
<thead>
${row(token.header)}</thead>
<tbody>
${token.rows.map(row).join("")}</tbody>
</table></div>
`;
    },
  },
};

const marked = new Marked(gfmHeadingId(), extension);

/** Renders a text. */
export function markdownPage(text: string): MarkdownPage {
  const html = marked.parse(text, { async: false });
  const headings = getHeadingList();
  return {
    html,
    title: headings[0]?.raw.replaceAll("`", "") ?? "",
    sections: headings.filter(({ level }) => level === 2)
      .map(({ id, text }) => ({ id, html: text })),
  };
}
