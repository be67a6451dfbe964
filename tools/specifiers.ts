// Finds the module specifiers in a source text without a parser: comments,
// templates, regular expressions and other strings are stepped over.

const TOKEN = new RegExp(
  [
    /\/\*[^]*?\*\//, // comment
    /\/\/[^\n]*/, // line comment
    /`(?:\\[^]|[^`\\])*`/, // template
    /(?<=(?:[(,=:[!&|?{};>\n]|\breturn)\s*)\/(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\[\n])+\//, // regular expression
    /\b(?<keyword>from\s*|import\s*\(?\s*)(?<quote>["'])(?<specifier>[^"'\\\n]+)\k<quote>/,
    /"(?:\\[^]|[^"\\\n])*"|'(?:\\[^]|[^'\\\n])*'/, // any other string
  ].map((part) => part.source).join("|"),
  "g",
);

interface Groups {
  keyword?: string;
  quote: string;
  specifier: string;
}

/**
 * Rewrites the specifier of each `import`, `export ... from` and
 * `import("literal")`.
 *
 * @param source the text of a TypeScript or JavaScript module
 * @param rewrite gives the new specifier for each one found
 * @returns the text with the new specifiers
 */
export function rewriteSpecifiers(
  source: string,
  rewrite: (specifier: string) => string,
): string {
  return source.replace(TOKEN, (token: string, ...rest: unknown[]) => {
    const { keyword, quote, specifier } = rest.at(-1) as Groups;
    if (keyword === undefined) return token;
    return `${keyword}${quote}${rewrite(specifier)}${quote}`;
  });
}

/** One import of a module. */
export interface Import {
  /** What is imported. */
  readonly specifier: string;
  /** Whether only types are: nothing of it is left when the program runs. */
  readonly typesOnly: boolean;
}

// From the last keyword to the specifier: `import type { A }`, `export { type A, type B }`.
const TYPES_ONLY =
  /(?:\b(?:import|export)\s+type\b[^;]*|\b(?:import|export)\s*\{(?:\s*type\s+[^,{}]+,?)+\s*\}\s*)$/;

/** Lists the imports of a module, in order. */
export function importsOf(source: string): Import[] {
  const found: Import[] = [];
  let text = "";
  let end = 0;
  for (const match of source.matchAll(TOKEN)) {
    const { keyword, specifier } = match.groups as unknown as Partial<Groups>;
    text += source.slice(end, match.index);
    end = match.index + match[0].length;
    if (keyword === undefined) continue;
    const typesOnly = keyword.startsWith("from") && TYPES_ONLY.test(text);
    found.push({ specifier: specifier!, typesOnly });
    text = "";
  }
  return found;
}
