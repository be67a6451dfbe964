// What HUP changes in a gateway that runs.

import type { Gateway } from "./gateway.ts";
import { CHANGEABLE } from "./limits.ts";
import { DEFAULTS } from "./option_table.ts";
import type { Reloading } from "./reload.ts";
import type { Settings } from "./settings.ts";

/** What is read again at each HUP, and in effect then. */
export const READ_AGAIN: readonly string[] = [
  ...["tlsCert", "tlsKey", "deny", "denyFile"],
  ...["innerSecretFile", "innerOpen", "metricsTokenFile"],
];

/** What can change while a gateway runs. */
export function changersOf(gateway: Gateway): Reloading["changers"] {
  return new Map<string, (now: Settings) => void>([
    ...CHANGEABLE.map((name) =>
      [
        name,
        ({ gateway: { [name]: now = DEFAULTS[name] } }: Settings) =>
          gateway.setLimits({ [name]: now }),
      ] as const
    ),
    ...READ_AGAIN.map((name) => [name, () => {}] as const),
  ]);
}

/**
 * Has a gateway read again what it has read from files.
 *
 * @returns What is told of it.
 * @throws {GatewayError} with one line, when the secrets cannot be used: then all stays as it is.
 */
export function renewFiles(
  gateway: Gateway,
  { gateway: now }: Settings,
): string[] {
  const renewed: string[] = [];
  // First: of all that is renewed only they can still be refused.
  const { innerSecretFile = "", innerOpen = "" } = now;
  const proof = gateway.renewSecrets({ innerSecretFile, innerOpen });
  if (innerSecretFile !== "") {
    renewed.push(`the secrets are read again (${proof})`);
  }
  if (gateway.tlsAddr ?? gateway.wssAddr) {
    const { tlsCert, tlsKey } = now;
    gateway.renewCertificates({ tlsCert: tlsCert!, tlsKey: tlsKey! });
    renewed.push("the certificates are read again");
  }
  const { deny = DEFAULTS.deny, denyFile = DEFAULTS.denyFile } = now;
  gateway.renewDeny({ deny, denyFile });
  if (denyFile !== "") {
    const { denied } = gateway.stats();
    renewed.push(`denyFile is read again (ranges denied: ${denied})`);
  }
  return renewed;
}
