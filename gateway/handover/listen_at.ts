// listenAt: a Unix socket at which others ask for the place of this process, in place of one that
// has died.

import type { Passing } from "@maple/box/internal";
import { fail } from "../errors.ts";

const IN_USE = 98;
const REFUSED = 111;

/**
 * Listens at a path.
 *
 * @returns The descriptor.
 * @throws {GatewayError} with one line, when that cannot be.
 */
export function listenAt(passing: Passing, path: string): number {
  let descriptor = passing.listen(path);
  if (
    descriptor === -IN_USE && isLeft(passing, path) &&
    passing.remove(path) === 0
  ) {
    descriptor = passing.listen(path);
  }
  if (descriptor >= 0) return descriptor;
  throw fail(
    `Cannot listen for a handover at ${path}: ${
      descriptor === -IN_USE
        ? "another gateway has it, or a file that is no socket"
        : passing.describe(descriptor)
    }`,
  );
}

/**
 * Whether what is at a path is a socket of one that has died. Of any other file the system says the
 * same as of such a one.
 */
export function isLeft(passing: Passing, path: string): boolean {
  const descriptor = passing.connect(path);
  if (descriptor >= 0) passing.close(descriptor);
  return descriptor === -REFUSED && isSocket(path);
}

function isSocket(path: string): boolean {
  try {
    return Deno.lstatSync(path).isSocket === true;
  } catch {
    return false;
  }
}
