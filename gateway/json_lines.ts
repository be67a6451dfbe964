// In which line of a JSON text something stands, for messages.

/** What is wrong with a text that is no JSON. */
export interface JsonMistake {
  /** In which line, from 1. */
  readonly line: number;
  /** What it is. */
  readonly what: string;
}

/**
 * The line of each name of the object that a text is.
 *
 * @param text JSON that can be parsed.
 * @returns The lines by name: one, or more where a name stands there again.
 */
export function linesOfNames(text: string): Map<string, number[]> {
  const lines = new Map<string, number[]>();
  let line = 1;
  let depth = 0;
  for (
    const [token, name] of text.matchAll(
      /("(?:[^"\\]|\\.)*")\s*:|"(?:[^"\\]|\\.)*"|[{}[\]\n]/g,
    )
  ) {
    if (token === "{" || token === "[") depth++;
    else if (token === "}" || token === "]") depth--;
    else if (name !== undefined && depth === 1) {
      const key = JSON.parse(name) as string;
      lines.set(key, [...lines.get(key) ?? [], line]);
    }
    line += token.split("\n").length - 1;
  }
  return lines;
}

/** What `JSON.parse` has said about a text, with the line. */
export function jsonMistake(text: string, { message }: Error): JsonMistake {
  const [, line] = /\(line (\d+) column \d+\)$/.exec(message) ?? [];
  const what = message.replace(/(?: in JSON)? at position .*$/s, "")
    .replace(/, (?:\.{3})?".*" is not valid JSON$/s, "");
  // Where it ends too early nothing stands in the line that it is told of.
  const last = text.trimEnd().split("\n").length;
  const told = line === undefined ? lineOf(text, last) : Number(line);
  return { line: Math.min(told, last), what };
}

// Some mistakes are told without a place. A text that ends in the middle is told as such, or as one
// with a place: the first line with which it is told otherwise is the one.
function lineOf(text: string, last: number): number {
  const lines = text.split("\n");
  for (let count = 1; count < lines.length; count++) {
    try {
      JSON.parse(lines.slice(0, count).join("\n"));
    } catch (error) {
      const { message } = error as Error;
      if (/ is not valid JSON$/.test(message)) return count;
    }
  }
  return last;
}
