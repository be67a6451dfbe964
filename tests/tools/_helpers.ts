// What the tests of the tools share.

import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The path of a file given relative to this folder. */
export function fromFileUrl(path: string): string {
  return fileURLToPath(new URL(path, import.meta.url));
}

/** A folder that is removed when it is disposed of. */
export class TempDir implements AsyncDisposable {
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  /** Makes a folder with these files: their content by relative path. */
  static async create(files: Record<string, string> = {}): Promise<TempDir> {
    const dir = new TempDir(await Deno.makeTempDir({ prefix: "maple_tools_" }));
    for (const [path, content] of Object.entries(files)) {
      await Deno.mkdir(dirname(dir.join(path)), { recursive: true });
      await Deno.writeTextFile(dir.join(path), content);
    }
    return dir;
  }

  /** The absolute path of a relative one. */
  join(path: string): string {
    return join(this.path, path);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.path, { recursive: true });
  }
}

/** How a process ended and what it wrote. */
export interface TextOutput {
  code: number;
  stdout: string;
  stderr: string;
}

/** Runs deno to its end. */
export async function runText(
  args: string[],
  options: Deno.CommandOptions = {},
): Promise<TextOutput> {
  const output = await new Deno.Command(Deno.execPath(), {
    ...options,
    args,
    env: { NO_COLOR: "1", ...options.env },
  }).output();
  const decoder = new TextDecoder();
  return {
    code: output.code,
    stdout: decoder.decode(output.stdout),
    stderr: decoder.decode(output.stderr),
  };
}
