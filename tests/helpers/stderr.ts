// capturingStderr: what is logged to stderr while something runs.

import { writeOutLogs } from "@maple/box/internal";

/**
 * What is written to stderr, without waiting, while the body runs.
 *
 * @param write What stderr does with the bytes; answers how many it takes.
 */
export async function capturingStderr(
  body: () => unknown,
  write: (bytes: Uint8Array) => number = (bytes) => bytes.length,
): Promise<string> {
  let text = "";
  const { stderr } = Deno;
  Object.assign(stderr, {
    // deno-lint-ignore require-await -- so that an error rejects
    async write(bytes: Uint8Array): Promise<number> {
      const count = write(bytes);
      text += new TextDecoder().decode(bytes.subarray(0, count));
      return count;
    },
  });
  try {
    await body();
    await writeOutLogs();
  } finally {
    Reflect.deleteProperty(stderr, "write");
  }
  return text;
}
