// InnerAccess: who may come to the inner port: by which secrets, and from where without.

import {
  type InnerRole,
  type IpRange,
  isInRanges,
  parseIpRanges,
  type Proof,
  readSecrets,
  Secret,
} from "@maple/box/internal";
import { fail } from "./errors.ts";
import type { ResolvedOptions } from "./option_table.ts";

/** The options that say who may come. */
export type AccessOptions = Pick<
  ResolvedOptions,
  "innerHost" | "innerSecrets" | "innerSecretFile" | "innerOpen"
>;

/** How a worker or trigger came in. */
export interface Entry {
  /** The secret that it has proven to know; undefined where it came without. */
  readonly secret?: Secret;
  /** What it may do; undefined where everything is open to everybody. */
  readonly role?: InnerRole;
  /** What proves to it that the gateway knows the secret as well. */
  readonly mac?: string;
}

const LOOPBACK = parseIpRanges("", "127.0.0.0/8,::1", fail);

interface Rules {
  readonly secrets: readonly Secret[];
  readonly open: readonly IpRange[];
}

/** Who may come to the inner port. */
export class InnerAccess {
  #rules: Rules;

  /**
   * Reads the secrets.
   *
   * @throws {GatewayError} with one line, when they cannot be used, or anybody could come.
   */
  constructor(options: AccessOptions) {
    this.#rules = rulesOf(options);
  }

  /**
   * Reads them anew.
   *
   * @throws {GatewayError} as the constructor, and when anybody could come who could not before:
   * then all stays as it is.
   */
  renew(options: AccessOptions): void {
    const rules = rulesOf(options);
    if (isOpenToAll(rules) && !isOpenToAll(this.#rules)) {
      throw fail(
        "Option innerSecretFile and innerOpen are gone, so that anybody could come to the inner port: only a restart does that",
      );
    }
    this.#rules = rules;
  }

  /** Whether anybody is asked for proof. */
  get asks(): boolean {
    return this.#rules.secrets.length > 0;
  }

  /** How many secrets there are of each role, and how many ranges are open; empty without. */
  describe(): string {
    const { secrets, open } = this.#rules;
    if (isOpenToAll(this.#rules)) return "";
    const counts = new Map<string, number>();
    for (const { role } of secrets) {
      counts.set(role, (counts.get(role) ?? 0) + 1);
    }
    const listed = [...counts].map(([role, count]) => `${count} of ${role}`);
    const proof = secrets.length > 0
      ? `secrets: ${listed.join(", ")}`
      : "no secrets";
    return open.length > 0 ? `${proof}; open ranges: ${open.length}` : proof;
  }

  /** How one comes in from there without proof; undefined when it does not. */
  without(address: string): Entry | undefined {
    if (isOpenToAll(this.#rules)) return {};
    const { open } = this.#rules;
    return isInRanges(address, open) ? { role: "worker" } : undefined;
  }

  /** The secret that a proof shows; without one, whether there is any of that role. */
  secretOf(proof: Proof, challenge: Uint8Array): Secret | "none" | "other" {
    let found: Secret | "none" | "other" = "none";
    for (const secret of this.#rules.secrets) {
      if (secret.role !== proof.role) continue;
      if (secret.isProvenBy(proof, challenge)) return secret;
      found = "other";
    }
    return found;
  }

  /** The secret of a role that has that mark; where there is none any more, one that is none. */
  secretBy(role: InnerRole, mark: string): Secret {
    return this.#rules.secrets.find((secret) =>
      secret.role === role && secret.mark === mark
    ) ?? new Secret(role, crypto.randomUUID());
  }

  /** Whether one that came in so may stay. */
  keeps({ secret }: Entry, address: string): boolean {
    return secret
      ? this.#rules.secrets.some((one) => one.equals(secret))
      : this.without(address) !== undefined;
  }
}

function rulesOf(options: AccessOptions): Rules {
  const { innerHost, innerSecrets, innerSecretFile, innerOpen } = options;
  const open = parseIpRanges("Option innerOpen", innerOpen, fail);
  const secrets = readSecrets({
    secret: innerSecrets,
    secretFile: innerSecretFile,
    names: { secret: "innerSecrets", secretFile: "innerSecretFile" },
    fail,
  });
  const rules = { secrets, open };
  if (isOpenToAll(rules) && !isLoopback(innerHost)) {
    throw fail(
      `Option innerHost is ${innerHost}, where whoever reaches it could be a worker: give secrets (--inner-secret-file FILE or MAPLE_INNER_SECRET), or name who may come without (--inner-open CIDR,...), or listen at 127.0.0.1`,
    );
  }
  return rules;
}

function isOpenToAll({ secrets, open }: Rules): boolean {
  return secrets.length + open.length === 0;
}

function isLoopback(host: string): boolean {
  return host === "localhost" || isInRanges(host, LOOPBACK);
}
