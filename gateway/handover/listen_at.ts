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
  throw cannotListen(
    path,
    descriptor === -IN_USE
      ? whyNoSocket(path) ?? "another gateway has it; name another path"
      : passing.describe(descriptor),
  );
}

/**
 * Nothing, where a gateway could listen or nothing is there yet.
 *
 * @throws {GatewayError} with one line, when what is at the path is no socket. Whoever connects is
 * told the same of it as of a socket at which nobody listens.
 */
export function checkSocket(path: string): void {
  const why = whyNoSocket(path);
  if (why !== undefined) throw cannotListen(path, why);
}

function cannotListen(path: string, why: string): Error {
  return fail(`Cannot listen for a handover at ${path}: ${why}`);
}

function whyNoSocket(path: string): string | undefined {
  try {
    if (Deno.lstatSync(path).isSocket) return undefined;
  } catch {
    return undefined;
  }
  return "what is there is no socket; name another path";
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
