// Cells: lines of text in colours, cut to a width.

/** How a piece of text looks; what it says must be told by the text alone. */
export type Style = "plain" | "strong" | "faint" | "good" | "warning" | "bad";

/** A piece of text. */
export interface Cell {
  /** The text, in one line. */
  readonly text: string;
  /** How it looks. */
  readonly style: Style;
}

/** A line. */
export type Line = readonly Cell[];

const CODES: Readonly<Record<Style, string>> = {
  plain: "",
  strong: "1",
  faint: "2",
  good: "32",
  warning: "33",
  bad: "1;31",
};

/** Makes a piece of text. */
export function cell(text: string, style: Style = "plain"): Cell {
  return { text, style };
}

/**
 * The columns that a text takes in a terminal: two for a character of East Asia or a picture, none
 * for a mark on another one.
 */
export function columnsOf(text: string): number {
  let columns = 0;
  for (const character of text) columns += columnsOfOne(character);
  return columns;
}

// Ranges that terminals agree on; the rest of Unicode takes one column.
const WIDE =
  /^[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1f64f}\u{1f680}-\u{1f6ff}\u{1f900}-\u{1f9ff}\u{20000}-\u{3fffd}]$/u;

function columnsOfOne(character: string): number {
  if (character < "\u0300") return 1;
  if (/^\p{M}$/u.test(character)) return 0;
  return WIDE.test(character) ? 2 : 1;
}

/** A text cut to a number of columns, with `…` in place of what is cut off. */
export function fit(text: string, width: number): string {
  if (columnsOf(text) <= width) return text;
  let kept = "";
  let columns = 1;
  for (const character of text) {
    columns += columnsOfOne(character);
    if (columns > width) break;
    kept += character;
  }
  return width > 0 ? kept + "…" : "";
}

/** A text cut or filled with blanks to a number of columns. */
export function pad(
  text: string,
  width: number,
  side: "left" | "right" = "left",
): string {
  const fitting = fit(text, width);
  const blanks = " ".repeat(Math.max(0, width - columnsOf(fitting)));
  return side === "left" ? fitting + blanks : blanks + fitting;
}

/** Settings of {@linkcode toText}. */
export interface TextOptions {
  /** Columns; what is longer is cut. */
  readonly width: number;
  /** Whether to write colours. */
  readonly colors: boolean;
}

/** A line as text for a terminal, without blanks at its end. */
export function toText(line: Line, { width, colors }: TextOptions): string {
  const whole = line.map((one) => one.text).join("").trimEnd();
  let rest = fit(whole, width);
  let text = "";
  for (const one of line) {
    const part = rest.slice(0, one.text.length);
    rest = rest.slice(one.text.length);
    const code = colors && part.trim() !== "" ? CODES[one.style] : "";
    text += code === "" ? part : `\x1b[${code}m${part}\x1b[0m`;
  }
  return text;
}
