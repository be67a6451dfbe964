// COMMAND: what the gateway as a program tells of itself.

import type { Command } from "@maple/box/internal";
import { FLAGS } from "./setting_table.ts";

/**
 * The gateway as a program.
 *
 * @ignore
 */
export const COMMAND: Command = {
  name: "gateway",
  summary:
    "Holds client connections and forwards between them and the workers that ask.",
  takes: "[flags]",
  flags: FLAGS,
  notes:
    `TERM and INT: stop accepting, let the workers finish what is queued, close; with --lame-duck
tell load balancers first, and have the clients move; a second one closes at once.
HUP: open the log file again, read the config file, the certificates, the secrets and
--deny-file again, change what can be changed (--log-level, --deny, --conns-max,
--conns-per-address, --connect-rate, --client-rate, --client-bytes-rate, --rate-action,
--client-queue-max, --inner-conns-max, --inner-reserve, --inner-open). Who has come by a secret
that is gone is disconnected. Without --inner-secret-file the secrets are those of
MAPLE_INNER_SECRET: role:secret,..., and without --metrics-token-file those who ask for metrics
bring a token of MAPLE_METRICS_TOKEN, if it has one: Authorization: Bearer TOKEN.
USR1, USR2: log one level more, one level less.`,
};
