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

/** Lists the specifiers of a module, in order. */
export function specifiersOf(source: string): string[] {
  const found: string[] = [];
  rewriteSpecifiers(source, (specifier) => {
    found.push(specifier);
    return specifier;
  });
  return found;
}
