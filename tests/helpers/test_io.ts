// TEST_IO: where the sockets of gateways and haven servers under test come from.

import { IO_KINDS, type IoKind } from "@maple/box/internal";

const given = Deno.env.get("MAPLE_TEST_IO");
if (given !== undefined && !IO_KINDS.includes(given as IoKind)) {
  throw new Error(`MAPLE_TEST_IO must be one of ${IO_KINDS}, got ${given}`);
}

/** From the variable MAPLE_TEST_IO; undefined = their default. */
export const TEST_IO: IoKind | undefined = given as IoKind | undefined;
