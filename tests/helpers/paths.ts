// Paths of this repository's files, wherever a test is run from.

import { fileURLToPath } from "node:url";

/** The path of a file given relative to this folder. */
export function pathOf(relative: string): string {
  return fileURLToPath(new URL(relative, import.meta.url));
}

/** The root of the repository. */
export const ROOT: string = pathOf("../../");
