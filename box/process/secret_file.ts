// Where a secret is read from: a file that nobody but its owner may use, or the environment.

import { messageOf } from "../log/describe_error.ts";

const FILE_BYTES = 64 * 1024;

/**
 * The text of a file that nobody but its owner may use.
 *
 * @param source What it is, for errors.
 * @throws What `fail` makes of a line that tells what is wrong, and nothing of what is in it.
 */
export function readSecretFile(
  path: string,
  source: string,
  fail: (message: string) => Error,
): string {
  let info: Deno.FileInfo;
  try {
    info = Deno.statSync(path);
  } catch (error) {
    throw fail(`Cannot read ${source}: ${messageOf(error)}`);
  }
  if (!info.isFile) throw fail(`Cannot read ${source}: it is no file`);
  // Null where the system has no such thing.
  const others = (info.mode ?? 0) & 0o077;
  if (others !== 0 && Deno.build.os !== "windows") {
    throw fail(
      `Others than its owner may use ${source} (mode ${
        (info.mode! & 0o777).toString(8)
      }): chmod 600 it`,
    );
  }
  if (info.size > FILE_BYTES) {
    throw fail(
      `Cannot read ${source}: it has ${info.size} bytes, expected up to ${FILE_BYTES}`,
    );
  }
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    throw fail(`Cannot read ${source}: ${messageOf(error)}`);
  }
}

/** What a variable of the environment holds; empty where it may not be asked. */
export function secretEnv(variable: string): string {
  // Asking for what is not permitted would stop the program for a prompt.
  const { state } = Deno.permissions.querySync({
    name: "env",
    variable,
  });
  return state === "granted" ? Deno.env.get(variable) ?? "" : "";
}
