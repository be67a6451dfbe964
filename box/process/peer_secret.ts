// PeerSecret: the one secret by which a worker or trigger proves itself, read anew for each
// connection, so that it can be changed while the program runs.

import type { InnerRole } from "../roles.ts";
import type { Secret } from "../net/secret.ts";
import { readSecrets, SECRET_ENV, type SecretOptions } from "./read_secrets.ts";

/** Where it comes from, and what it has to be. */
export interface PeerSecretOptions extends SecretOptions {
  /** The roles that do, the best one first; the role of a secret that tells none is `role`. */
  readonly roles: readonly InnerRole[];
  /** The role of a secret that tells none. */
  readonly role: InnerRole;
  /** Makes an error of a line. */
  readonly fail: (message: string) => Error;
}

/** The secret of a worker or trigger. */
export class PeerSecret {
  readonly #options: PeerSecretOptions;
  #last: Secret | undefined;

  /**
   * Reads it for the first time.
   *
   * @throws What `fail` makes of a line, when it is given and cannot be used.
   */
  constructor(options: PeerSecretOptions) {
    this.#options = options;
    this.#last = this.#read();
  }

  /** As it was read last; undefined when none is given. */
  get last(): Secret | undefined {
    return this.#last;
  }

  /**
   * Reads it anew; undefined when none is given.
   *
   * @param onFault Told in one line when it cannot be used any more: then the last one counts.
   */
  renew(onFault: (why: string) => void): Secret | undefined {
    try {
      this.#last = this.#read();
    } catch (error) {
      onFault((error as Error).message);
    }
    return this.#last;
  }

  #read(): Secret | undefined {
    const { roles, fail, secretFile } = this.#options;
    const names = { secret: "secret", secretFile: "secretFile" };
    const secrets = readSecrets({ ...this.#options, names });
    if (secrets.length === 0) return undefined;
    for (const role of roles) {
      const secret = secrets.find((secret) => secret.role === role);
      if (secret) return secret;
    }
    const source = this.#options.secret
      ? "option secret"
      : secretFile
      ? `the secret file "${secretFile}"`
      : SECRET_ENV;
    throw fail(`There is no secret of role ${roles.join(" or ")} in ${source}`);
  }
}
