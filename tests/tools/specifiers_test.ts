import { assertEquals } from "@std/assert";
import { importsOf, rewriteSpecifiers } from "../../tools/specifiers.ts";

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

Deno.test("importsOf() tells imports of types alone from others", () => {
  const cases: [string, boolean][] = [
    [`import { a } from "x";`, false],
    [`import "x";`, false],
    [`import type { A } from "x";`, true],
    [`import type A from "x";`, true],
    [`export type { A } from "x";`, true],
    [`export type * from "x";`, true],
    [`import { type A, type B } from "x";`, true],
    [`import { type A, b } from "x";`, false],
    [`import { b, type A } from "x";`, false],
    [`type A = 1;\nimport { b } from "x";`, false],
    [`import {\n  type A,\n  type B as C,\n} from "x";`, true],
    [`await import("x");`, false],
  ];
  for (const [source, typesOnly] of cases) {
    assertEquals(importsOf(source), [{ specifier: "x", typesOnly }], source);
  }
  assertEquals(
    importsOf(
      `import type { A } from "a"; /* import "no" */ const re = /"/; import { b } from "b";`,
    ),
    [{ specifier: "a", typesOnly: true }, { specifier: "b", typesOnly: false }],
  );
});
