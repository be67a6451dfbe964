// The tables of options in the READMEs: each option of the code has a row, each row is an option.

import { assertEquals } from "@std/assert";
import { pathOf } from "../helpers/paths.ts";

/** A table of a README, and the interfaces whose fields it lists. */
interface OptionTable {
  readonly readme: string;
  /** What its head begins with. */
  readonly head: RegExp;
  readonly sources: readonly { path: string; interfaces: readonly string[] }[];
}

const TABLES: readonly OptionTable[] = [
  {
    readme: "worker/README.md",
    head: /^\| option +\| default/,
    sources: [{
      path: "worker/options.ts",
      interfaces: ["GatewayAddress", "AttachOptions", "RunOptions"],
    }],
  },
  {
    readme: "haven/README.md",
    head: /^\| option +\| default/,
    sources: [{
      path: "haven/options.ts",
      interfaces: ["HavenListenOptions", "HavenRunOptions"],
    }],
  },
  {
    readme: "trigger/README.md",
    head: /^\| option +\| default/,
    sources: [{ path: "trigger/options.ts", interfaces: ["TriggerOptions"] }],
  },
];

async function read(path: string): Promise<string> {
  return await Deno.readTextFile(pathOf(`../../${path}`));
}

/** The names of the fields of an interface in a source. */
function fieldsOf(source: string, name: string): string[] {
  const [, body] =
    new RegExp(`^export interface ${name}\\b[^{]*\\{\\n([^]*?)^\\}`, "m")
      .exec(source) ?? [];
  if (body === undefined) throw new Error(`there is no interface ${name}`);
  return Array.from(
    body.matchAll(/^ {2}(?:readonly )?(\w+)\??:/gm),
    ([, field]) => field!,
  );
}

/** The names in the first column of the table that begins with this head. */
function rowsOf(readme: string, head: RegExp): string[] {
  const lines = readme.split("\n");
  const start = lines.findIndex((line) => head.test(line));
  if (start < 0) throw new Error(`there is no table ${head}`);
  const names: string[] = [];
  for (const line of lines.slice(start + 2)) {
    if (!line.startsWith("|")) break;
    const cell = line.split("|")[1]!;
    for (const [, name] of cell.matchAll(/`(\w+)`/g)) names.push(name!);
  }
  return names;
}

for (const { readme, head, sources } of TABLES) {
  Deno.test(`${readme} has a row for each option, and no other`, async () => {
    const fields = new Set<string>();
    for (const { path, interfaces } of sources) {
      const source = await read(path);
      for (const name of interfaces) {
        for (const field of fieldsOf(source, name)) fields.add(field);
      }
    }
    const rows = rowsOf(await read(readme), head);
    assertEquals(rows.sort(), [...fields].sort());
  });
}
