import { assertEquals } from "@std/assert";
import { rewriteSpecifiers, specifiersOf } from "../../tools/specifiers.ts";

const upper = (specifier: string) => specifier.toUpperCase();

Deno.test("rewriteSpecifiers() finds every kind of import", () => {
  const cases: [string, string][] = [
    [`import { a } from "x/y";`, `import { a } from "X/Y";`],
    [`import a, * as b from 'x';`, `import a, * as b from 'X';`],
    [`import type { A } from"x";`, `import type { A } from"X";`],
    [
      `import {\n  a,\n  b,\n} from\n  "x";`,
      `import {\n  a,\n  b,\n} from\n  "X";`,
    ],
    [`import "x";`, `import "X";`],
    [`export * from "x";`, `export * from "X";`],
    [`export { a } from "x";`, `export { a } from "X";`],
    [`const a = await import("x");`, `const a = await import("X");`],
    [`type A = import("x").A;`, `type A = import("X").A;`],
    [
      `import j from "x" with { type: "json" };`,
      `import j from "X" with { type: "json" };`,
    ],
  ];
  for (const [source, expected] of cases) {
    assertEquals(rewriteSpecifiers(source, upper), expected);
  }
});

Deno.test("rewriteSpecifiers() leaves all else as it is", () => {
  const cases = [
    `// import "x";`,
    `/** import { a } from "x"; */`,
    'const s = `import a from "x"`;',
    `const s = 'import a from "x"';`,
    `const s = "it's"; const t = "import 'x'";`,
    `const s = "\\"import 'x'";`,
    `import(name);`,
    `const a = Array.from("x");`,
    `const url = "http://x"; const o = { from: "x", import: "x" };`,
    `const re = /["'\`/*]/; const s = 'import "x"';`,
  ];
  for (const source of cases) {
    assertEquals(rewriteSpecifiers(source, upper), source);
  }
});

Deno.test("specifiersOf() lists them in order", () => {
  const source = `import "b"; /* import "no" */ export * from "a";
    const re = /"/; await import("c");`;
  assertEquals(specifiersOf(source), ["b", "a", "c"]);
});
