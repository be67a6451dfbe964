// A stand-in for parseArgs of @std/cli, for networks that do not reach JSR (see
// tools/deno.ts). Never published. It knows no dotted names, no `-abc` and
// no `-n5`, and not all options; the real package documents them.

type Name = string | undefined;
type Names<N> = N | ReadonlyArray<Extract<N, string>>;

export interface ParseOptions<B, S extends Name, C extends Name, D> {
  "--"?: boolean;
  alias?: Record<string, string | readonly string[]>;
  boolean?: Names<B>;
  collect?: Names<C>;
  default?: D & Record<string, unknown>;
  string?: Names<S>;
  unknown?: (arg: string, key?: string, value?: unknown) => unknown;
}

export type Args<B = never, S = never, C = never, D = unknown> =
  & { [K in Exclude<Extract<S, string>, C | keyof D>]?: string }
  & { [K in Extract<S, keyof D>]: string | D[K] }
  & { [K in Extract<S, C> & string]: string[] }
  & { [K in Extract<B, string>]: boolean }
  & Record<string, unknown>
  & { _: Array<string | number>; "--"?: string[] };
const isNumber = (s: string) => s.trim() !== "" && Number.isFinite(Number(s));

export function parseArgs<
  B extends Name = undefined,
  S extends Name = undefined,
  C extends Name = undefined,
  D = unknown,
>(
  args: readonly string[],
  options: ParseOptions<B, S, C, D> = {},
): Args<B, S, C, D> {
  const { alias = {}, unknown } = options;
  const groups = Object.entries(alias).map(([k, v]) => [k].concat(v));
  const namesOf = (n: string) => groups.find((g) => g.includes(n)) ?? [n];
  const setOf = (names: Names<Name> = []) =>
    new Set([names].flat().flatMap((name) => namesOf(name as string)));
  const [booleans, strings] = [setOf(options.boolean), setOf(options.string)];
  const collects = setOf(options.collect);
  const known = [...booleans, ...strings, ...collects, ...groups.flat()];
  const flags: Record<string, unknown> = {};
  const words: Array<string | number> = [];
  const end = args.includes("--") ? args.indexOf("--") : args.length;
  for (let i = 0; i < end; i++) {
    const arg = args[i]!;
    const [, name, given] = /^--?([^-=][^=]*)(?:=(.*))?$/s.exec(arg) ?? [];
    if (name === undefined) {
      const isText = strings.has("_") || !isNumber(arg);
      if (unknown?.(arg) !== false) words.push(isText ? arg : Number(arg));
      continue;
    }
    const next = i + 1 < end ? args[i + 1]! : "";
    const isBoolean = booleans.has(name);
    let value: unknown = strings.has(name) ? "" : true;
    if (given !== undefined) value = isBoolean ? given !== "false" : given;
    else if (next && !isBoolean && !next.startsWith("-")) value = args[++i];
    else if (/^(true|false)$/.test(next)) value = args[++i] === "true";
    if (!known.includes(name) && unknown?.(arg, name, value) === false) {
      continue;
    }
    if (typeof value === "string" && !strings.has(name) && isNumber(value)) {
      value = Number(value);
    }
    for (const each of namesOf(name)) {
      const before = flags[each] as unknown[] ?? [];
      flags[each] = collects.has(name) ? [...before, value] : value;
    }
  }

  const fill = (name: string, value: unknown) => {
    for (const each of namesOf(name)) flags[each] ??= value;
  };
  Object.entries(options.default ?? {}).forEach(([k, v]) => fill(k, v));
  for (const name of strings) if (collects.has(name)) fill(name, []);
  for (const name of booleans) fill(name, collects.has(name) ? [] : false);
  const rest = args.slice(end + 1);
  const result = options["--"]
    ? { ...flags, _: words, "--": rest }
    : { ...flags, _: [...words, ...rest] };
  return result as unknown as Args<B, S, C, D>;
}
