// IO_FLAG: where the sockets of a gateway under load come from.

import { type Flag, IO_KINDS } from "@maple/box/internal";

/** The flag, of the programs that have it. */
export const IO_FLAG: Flag = {
  name: "io",
  type: "string",
  value: "KIND",
  choices: IO_KINDS,
  help: "the gateway's sockets: deno or epoll (deno)",
};
