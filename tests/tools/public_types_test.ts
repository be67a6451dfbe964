import { assertEquals } from "@std/assert";
import { dirname } from "node:path";
import { pathToFileURL } from "node:url";
import {
  type DocumentedEntry,
  publicTypeProblems,
} from "../../tools/public_types.ts";
import { runText, TempDir } from "./_helpers.ts";

async function documented(
  name: string,
  path: string,
): Promise<DocumentedEntry> {
  const url = pathToFileURL(path).href;
  const { stdout } = await runText(["doc", "--json", path]);
  const folder = `${pathToFileURL(dirname(path)).href}/`;
  return { name, url, folder, symbols: JSON.parse(stdout).nodes[url].symbols };
}

Deno.test("publicTypeProblems() finds types that are named and cannot be imported", async () => {
  await using dir = await TempDir.create({
    "box/mod.ts": `export * from "./frame.ts";\n`,
    "box/frame.ts": `
      export interface Frame { readonly header: Header; readonly at: Date }
      export interface Header { readonly cmd: number }`,
    // For siblings only.
    "box/log.ts": `
      export interface Log { write(line: Line): void }
      export interface Line { readonly text: string }`,
    "worker/mod.ts": `
      export { Worker } from "./worker.ts";
      export type { Frame } from "../box/frame.ts";
      export type { Log } from "../box/log.ts";`,
    "worker/worker.ts": `
      import type { Frame, Header } from "../box/frame.ts";
      import type { Log } from "../box/log.ts";
      type Result = boolean | Frame[];
      /** A worker. */
      export class Worker<F extends Frame> {
        /** @ignore */
        constructor(result: Result) {}
        private hidden(header: Header): void {}
        log(log: Log): F;
        log(log?: Log): Result { return true; }
        first(): Header { throw 0; }
      }`,
  });
  const entries = await Promise.all(
    ["box", "worker"].map((name) =>
      documented(name, dir.join(`${name}/mod.ts`))
    ),
  );
  assertEquals(publicTypeProblems(entries).sort(), [
    "worker: Log.write names Line, which it does not export",
    "worker: Worker.first names Header, which it does not export",
  ]);
});
