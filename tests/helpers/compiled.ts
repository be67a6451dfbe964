// whyNotCompiled: whether programs can be compiled here.

import { compile, CompileError } from "../../tools/compile.ts";

/** The Deno that compiles. */
export const COMPILE_DENO: string = Deno.env.get("COMPILE_DENO") ||
  Deno.execPath();

/** Why nothing can be compiled here; it is found out with the smallest program there is. */
export async function whyNotCompiled(): Promise<string | undefined> {
  const dir = await Deno.makeTempDir({ prefix: "maple_compiled_" });
  try {
    const entry = `${dir}/main.ts`;
    await Deno.writeTextFile(entry, "export {};\n");
    await compile(entry, `${dir}/main`, { deno: COMPILE_DENO });
    return undefined;
  } catch (error) {
    if (error instanceof CompileError) return error.message;
    throw error;
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}
