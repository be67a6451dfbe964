// publicTypeProblems: whether each type that the public API names can be imported from where it is
// named. Who writes a function around a method needs the types of what it takes and returns.

/** An entry point of a package. */
export interface EntryPoint {
  /** The package, and where the entry is in it: `@maple/box/client`. */
  readonly name: string;
  /** The address of its file. */
  readonly url: string;
  /** The address of the folder of its package, with a slash at its end. */
  readonly folder: string;
}

/** One whose documentation was read. */
export interface DocumentedEntry extends EntryPoint {
  /** What it exports, as `deno doc --json` tells it of this file alone. */
  readonly symbols: readonly DocumentedSymbol[];
}

/** Something that is exported. */
export interface DocumentedSymbol {
  /** What it is called. */
  readonly name: string;
  /** Where it is declared, and how. */
  readonly declarations: readonly {
    readonly location: { readonly filename: string };
  }[];
}

type Json = { readonly [key: string]: unknown };

function isJson(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

// Of a function with several signatures the one with the body is no one's to call.
function signatures(values: readonly unknown[]): readonly unknown[] {
  const names = new Map<unknown, number>();
  for (const value of values) {
    if (!isJson(value)) continue;
    names.set(value.name, (names.get(value.name) ?? 0) + 1);
  }
  return values.filter((value) => {
    if (!isJson(value) || names.get(value.name)! < 2) return true;
    const { hasBody } = isJson(value.functionDef) ? value.functionDef : value;
    return !hasBody;
  });
}

// Calls `found` with each name of a type in a part of the documentation, but for built-in ones.
function eachType(
  part: unknown,
  where: string,
  found: (type: string, where: string) => void,
): void {
  if (Array.isArray(part)) {
    for (const value of signatures(part)) eachType(value, where, found);
    return;
  }
  if (!isJson(part) || part.accessibility === "private") return;
  const member = "location" in part && typeof part.name === "string"
    ? `${where}.${part.name}`
    : where;
  if (part.kind === "typeRef" && isJson(part.value)) {
    const { resolution, typeName } = part.value;
    const { kind, name = typeName } = isJson(resolution)
      ? resolution
      : { kind: undefined };
    if (kind === "import" || kind === "local") {
      found(String(name).split(".")[0]!, member);
    }
  }
  for (const [key, value] of Object.entries(part)) {
    if (key !== "jsDoc") eachType(value, member, found);
  }
}

/**
 * Finds types that an entry point names and does not export. What a package passes on of another
 * one is looked at there, unless that one has it for its siblings only.
 *
 * @param entries Those that users import.
 * @returns A line each.
 */
export function publicTypeProblems(
  entries: readonly DocumentedEntry[],
): string[] {
  const keyOf = (symbol: DocumentedSymbol) =>
    `${symbol.declarations[0]!.location.filename} ${symbol.name}`;
  const isOwn = (symbol: DocumentedSymbol, { folder }: DocumentedEntry) =>
    keyOf(symbol).startsWith(folder);
  const published = new Set(
    entries.flatMap((entry) =>
      entry.symbols.filter((symbol) => isOwn(symbol, entry)).map(keyOf)
    ),
  );
  const problems = new Set<string>();
  for (const entry of entries) {
    const names = new Set(entry.symbols.map(({ name }) => name));
    for (const symbol of entry.symbols) {
      if (!isOwn(symbol, entry) && published.has(keyOf(symbol))) continue;
      eachType(symbol.declarations, symbol.name, (type, where) => {
        if (names.has(type)) return;
        problems.add(
          `${entry.name}: ${where} names ${type}, which it does not export`,
        );
      });
    }
  }
  return [...problems];
}
