// Certificates: what clients over TLS are shown, read anew when its owner says so.

import type { Certificate, Logger } from "@maple/box/internal";
import type { ResolvedOptions } from "./option_table.ts";
import type { GatewayOptions } from "./options.ts";
import { certificatesOf } from "./read_options.ts";

const EXPIRY_WARNING_MS = 14 * 24 * 3600 * 1000;

/** What clients over TLS are shown. */
export class Certificates {
  readonly #options: ResolvedOptions;
  readonly #logger: Logger;
  #current: readonly Certificate[];

  /**
   * @param options Which files they are in.
   * @throws {GatewayError} with one line, when one cannot be used.
   */
  constructor(options: ResolvedOptions, logger: Logger) {
    this.#options = options;
    this.#logger = logger;
    this.#current = certificatesOf(options);
  }

  /** Those that are in force. */
  get current(): readonly Certificate[] {
    return this.#current;
  }

  /**
   * Reads them anew, from other files where these have changed.
   *
   * @throws {GatewayError} with one line, when one cannot be used: then those before stay.
   */
  renew(files: Pick<GatewayOptions, "tlsCert" | "tlsKey">): void {
    const options = this.#options;
    const { tlsCert = options.tlsCert, tlsKey = options.tlsKey } = files;
    this.#current = certificatesOf({ ...options, tlsCert, tlsKey });
    Object.assign(options, { tlsCert, tlsKey });
  }

  /** Whoever runs the gateway has time to see to it. */
  warnOfExpiry(): void {
    for (const { path, expires } of this.#current) {
      const left = expires.getTime() - Date.now();
      if (left > EXPIRY_WARNING_MS) continue;
      this.#logger.warn(
        `the certificate "${path}" ${left > 0 ? "expires" : "has expired"} on ${
          expires.toISOString().slice(0, 10)
        }`,
      );
    }
  }
}
