// StatusTokens: what lets its holder ask a status server.

import { createHash, timingSafeEqual } from "node:crypto";

const BEARER = /^Bearer +([!-~]+)$/i;

/** What lets its holder ask a status server. Whatever prints it tells nothing of it. */
export class StatusTokens {
  // Of one length each, so that comparing takes as long for all.
  readonly #digests: readonly Uint8Array[];

  /**
   * Takes them.
   *
   * @param tokens Any one of them will do.
   */
  constructor(tokens: readonly string[]) {
    this.#digests = tokens.map(digest);
  }

  /** Whether a header `Authorization` brings one of them. */
  allows(authorization: string | undefined): boolean {
    const [, token] = BEARER.exec(authorization ?? "") ?? [];
    if (token === undefined) return false;
    const given = digest(token);
    let fits = false;
    // All are looked at: how long that takes tells nothing.
    for (const one of this.#digests) fits = timingSafeEqual(one, given) || fits;
    return fits;
  }
}

function digest(token: string): Uint8Array {
  return createHash("sha256").update(token).digest();
}
