// declarations(): what TypeScript needs to know of modules, without their code.

import { join, relative } from "node:path";

/** Modules that TypeScript finds a mistake in; the message says which and what. */
export class DeclarationError extends Error {
  override readonly name = "DeclarationError";
}

/**
 * The declarations of some modules and of all that they import, by their paths relative to
 * `folder`, ending in `.d.ts`. What they use may be in browsers or in the language, and in nothing
 * else.
 *
 * @throws {DeclarationError} when it is not.
 */
export async function declarations(
  folder: string,
  entries: readonly string[],
): Promise<Map<string, string>> {
  const { default: ts } = await import("npm:typescript@5.9.3");
  const program = ts.createProgram(
    entries.map((entry) => join(folder, entry)),
    {
      declaration: true,
      emitDeclarationOnly: true,
      allowImportingTsExtensions: true,
      target: ts.ScriptTarget.ES2022,
      module: ts.ModuleKind.ESNext,
      moduleResolution: ts.ModuleResolutionKind.Bundler,
      lib: ["lib.esnext.d.ts", "lib.dom.d.ts", "lib.dom.iterable.d.ts"],
      types: [],
      strict: true,
      exactOptionalPropertyTypes: true,
      noImplicitOverride: true,
      noUncheckedIndexedAccess: true,
    },
  );
  const texts = new Map<string, string>();
  const { diagnostics } = program.emit(undefined, (path, text) => {
    texts.set(
      relative(folder, path),
      text.replaceAll(/(from |import\()"(\.[^"]+)\.ts"/g, '$1"$2.js"'),
    );
  });
  const [first] = [...ts.getPreEmitDiagnostics(program), ...diagnostics];
  if (!first) return texts;
  throw new DeclarationError(
    `Cannot declare ${
      first.file ? relative(folder, first.file.fileName) : "the modules"
    }: ${ts.flattenDiagnosticMessageText(first.messageText, " ")}`,
  );
}
