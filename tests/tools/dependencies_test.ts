// What is taken from elsewhere, held against the tables of DEPENDENCIES.md.

import { assertEquals } from "@std/assert";
import {
  dependenciesIn,
  dependencyOf,
  dependencyProblems,
  dependencyRows,
} from "../../tools/dependencies.ts";

const TABLES = `# Dependencies

| at run time | version | licence | for |
| ----------- | ------- | ------- | --- |
| \`@std/cli\` | 1.0.32 | MIT | command lines |
| \`ws\` (npm) | 8.18.0 |  | a test |

| program | Debian's package | licence | for |
| ------- | ---------------- | ------- | --- |
| Python | python3 | PSF-2.0 | tests |
`;

Deno.test("dependencyOf() knows what is taken from elsewhere", () => {
  const of = (specifier: string) => {
    const { name, version } = dependencyOf(specifier, "a.ts") ?? {};
    return name === undefined ? undefined : [name, version];
  };
  assertEquals(of("jsr:@std/cli@1.0.32"), ["@std/cli", "1.0.32"]);
  assertEquals(of("jsr:@std/cli@1.0.32/parse-args"), ["@std/cli", "1.0.32"]);
  assertEquals(of("npm:ws@8.18.0"), ["ws", "8.18.0"]);
  assertEquals(of("npm:ws"), ["ws", ""]);
  assertEquals(of("npm:/@types/node@^20/a"), ["@types/node", "^20"]);
  assertEquals(of("https://x.example/mod.ts"), [
    "https://x.example/mod.ts",
    "",
  ]);
  for (const own of ["./a.ts", "@std/cli", "jsr:@maple/box@1.0.0", "node:fs"]) {
    assertEquals(of(own), undefined, own);
  }
});

Deno.test("dependenciesIn() finds imports, import maps and what is installed", () => {
  const names = (text: string, file: string) =>
    dependenciesIn(text, file).map(({ name }) => name);
  assertEquals(
    names(
      `import a from "npm:a@1.0.0";
export type { B } from "jsr:@b/b@1.0.0";
const c = await import("https://c.example/c.ts"); // import "npm:d@1";
run("npm", ["install", "${"@e/e"}@1.2.3"]);`,
      "x.ts",
    ),
    ["a", "@b/b", "https://c.example/c.ts", "@e/e"],
  );
  assertEquals(
    names(`{ "imports": { "f/": "npm:f@1/", "g": "./g.ts" } }`, "deno.json"),
    ["f"],
  );
});

Deno.test("dependencyProblems() wants a row with the exact version and the licence of each", () => {
  const problems = (...specifiers: string[]) =>
    dependencyProblems(
      specifiers.map((specifier) => dependencyOf(specifier, "a.ts")!),
      dependencyRows(TABLES),
    );
  const cli = "jsr:@std/cli@1.0.32";
  assertEquals(problems(cli, "npm:ws@8.18.0"), [
    "DEPENDENCIES.md: ws needs a licence",
  ]);
  assertEquals(problems(cli, cli), [
    "DEPENDENCIES.md: nothing needs ws, which has a row",
  ]);
  const unused = [
    "DEPENDENCIES.md: nothing needs ws, which has a row",
  ];
  assertEquals(problems(cli, "npm:left-pad@1.3.0"), [
    "a.ts: left-pad has no row in the tables of DEPENDENCIES.md",
    ...unused,
  ]);
  assertEquals(problems("jsr:@std/cli@1.0.33"), [
    "a.ts: @std/cli is 1.0.33 here, 1.0.32 in the tables of DEPENDENCIES.md",
    ...unused,
  ]);
  assertEquals(problems(cli, "https://x.example/mod.ts"), [
    `a.ts: https://x.example/mod.ts needs an exact version, got ""`,
    ...unused,
  ]);
  assertEquals(problems(cli, "npm:ws@8"), [
    'a.ts: ws needs an exact version, got "8"',
  ]);
});
