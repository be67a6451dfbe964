// COMMAND: what the trigger as a program tells of itself, and the flags that all its programs have.

import { ABOUT_FLAGS, type Command, type Flag } from "@maple/box/internal";
import { PROGRAMS } from "./programs.ts";

const COMMON: readonly Flag[] = [
  {
    name: "host",
    type: "string",
    value: "HOST",
    help: "where the gateway is (127.0.0.1)",
  },
  {
    name: "port",
    type: "integer",
    value: "PORT",
    min: 1,
    max: 65535,
    help: "its inner port (28000)",
  },
  {
    name: "tls",
    type: "boolean",
    help: "reach it over TLS, which something in front of it ends",
  },
  {
    name: "tls-ca",
    type: "string",
    value: "FILE",
    help: "the same, and an authority to trust, in PEM",
  },
  {
    name: "secret-file",
    type: "string",
    value: "FILE",
    help: "what to prove oneself by, role:secret (MAPLE_INNER_SECRET)",
  },
  {
    name: "timeout",
    type: "number",
    value: "S",
    min: 0.001,
    max: 2_000_000,
    help: "seconds to reach the gateway, and as many for its word (10)",
  },
  ...ABOUT_FLAGS,
];

/**
 * The trigger as a program.
 *
 * @ignore
 */
export const COMMAND: Command = {
  name: "trigger",
  summary: "Makes things happen from outside, through a gateway.",
  takes: "PROGRAM [flags]",
  flags: COMMON,
  subCommands: Array.from(
    PROGRAMS,
    ([name, { help, flags }]) => ({ name, help, flags }),
  ),
  notes:
    `maple trigger PROGRAM --help tells the flags of one, maple trigger --version the version.
Exit code: 0 when the gateway has taken it, 1 when not, 2 for a mistake in the command line, 3 when
with --receipt it has reached nobody.`,
};
