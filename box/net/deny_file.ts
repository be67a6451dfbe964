// readDenyFile(): the addresses that a file keeps out.

import { IpRange } from "../ip_range.ts";

/**
 * The addresses and ranges of a file, one a line; empty lines and what follows a `#` are passed
 * over.
 *
 * @param option The option that names the file, for the error.
 * @throws {Error} with one line that names the file, when it cannot be read, or the line that is
 * none.
 */
export function readDenyFile(option: string, path: string): IpRange[] {
  let text: string;
  try {
    text = Deno.readTextFileSync(path);
  } catch (error) {
    throw new Error(
      `Cannot read ${option} "${path}": ${(error as Error).message}`,
    );
  }
  return text.split("\n").flatMap((line, i) => {
    const entry = line.replace(/#.*/, "").trim();
    if (entry === "") return [];
    const range = IpRange.parse(entry);
    if (range) return [range];
    throw new Error(
      `${option} "${path}", line ${
        i + 1
      }: expected an address or range such as 192.0.2.7 or 10.0.0.0/8, got "${entry}"`,
    );
  });
}
