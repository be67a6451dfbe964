// terminalPicture: what a program printed in a terminal, and when, as an animated SVG that needs
// nothing else: no script, no font to fetch. So it plays in a README.

/** A line as it was printed, with its colours, and when. */
export interface PrintedLine {
  /** Seconds after the start. */
  readonly at: number;
  readonly text: string;
}

/** Options of {@linkcode terminalPicture}. */
export interface TerminalPictureOptions {
  /** What was typed to start it. */
  command: string;
  /** For those who do not see it. */
  title: string;
  /** How long the last line stays, in seconds, before it begins anew. @default {8} */
  hold?: number;
}

const WIDTH = 880;
const FONT_SIZE = 14.5;
const LINE_HEIGHT = 20;
const TOP = 56;
const LEFT = 20;
const BOTTOM = 18;

// The colours of a terminal by their numbers; what is not here is the usual one.
const COLOURS: Readonly<Record<string, string>> = {
  "31": "#ff7b72",
  "32": "#7ee787",
  "33": "#f2cc60",
  "34": "#79c0ff",
  "35": "#d2a8ff",
  "36": "#76e3ea",
  "38;2;128;128;128": "#8b949e",
};

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;");
}

/** A line's parts, each in its colour. */
function spans(line: string): string {
  let colour: string | undefined;
  let result = "";
  // deno-lint-ignore no-control-regex
  for (const part of line.split(/(\x1b\[[\d;]*m)/)) {
    // deno-lint-ignore no-control-regex
    const code = /^\x1b\[([\d;]*)m$/.exec(part)?.[1];
    if (code !== undefined) colour = COLOURS[code];
    else if (part === "") continue;
    else if (colour === undefined) result += escaped(part);
    else result += `<tspan fill="${colour}">${escaped(part)}</tspan>`;
  }
  return result;
}

/** Makes the picture: the lines appear when they were printed, the last ones stay a while. */
export function terminalPicture(
  lines: readonly PrintedLine[],
  { command, title, hold = 8 }: TerminalPictureOptions,
): string {
  const seconds = (lines.at(-1)?.at ?? 0) + hold;
  const height = TOP + (lines.length + 1) * LINE_HEIGHT + BOTTOM;
  // Lines that come together share their keyframes.
  const moments = [...new Set(lines.map(({ at }) => at.toFixed(1)))];
  const percent = (at: string) => (Number(at) / seconds * 100).toFixed(2);
  const y = (row: number) => TOP + row * LINE_HEIGHT;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" role="img">
<title>${escaped(title)}</title>
<style>
text { font: ${FONT_SIZE}px ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; fill: #e6edf3; white-space: pre; }
${
    moments.map((at, i) =>
      `.m${i} { animation: m${i} ${
        seconds.toFixed(1)
      }s step-end infinite; } @keyframes m${i} { 0% { visibility: hidden; } ${
        percent(at)
      }% { visibility: visible; } }`
    ).join("\n")
  }
@media (prefers-reduced-motion: reduce) { text { animation: none !important; } }
</style>
<rect x="0.5" y="0.5" width="${WIDTH - 1}" height="${
    height - 1
  }" rx="10" fill="#0d1117" stroke="#484f58"/>
<circle cx="22" cy="20" r="6" fill="#ff5f57"/><circle cx="42" cy="20" r="6" fill="#febc2e"/><circle cx="62" cy="20" r="6" fill="#28c840"/>
<text x="${LEFT}" y="${y(0)}" xml:space="preserve">$ ${escaped(command)}</text>
${
    lines.flatMap(({ at, text }, i) =>
      text === "" ? [] : [
        `<text x="${LEFT}" y="${y(i + 1)}" xml:space="preserve" class="m${
          moments.indexOf(at.toFixed(1))
        }">${spans(text)}</text>`,
      ]
    ).join("\n")
  }
</svg>
`;
}

/** The lines that a picture shows, without their colours; the first one is what was typed. */
export function linesOfPicture(svg: string): string[] {
  return [...svg.matchAll(/<text [^>]*>(.*)<\/text>/g)].map(([, inner]) =>
    inner!.replaceAll(/<[^>]*>/g, "").replaceAll("&lt;", "<")
      .replaceAll("&gt;", ">").replaceAll("&amp;", "&")
  );
}
