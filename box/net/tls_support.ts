// Whether this Deno has TLS that can be relied on.

// Before, node:tls takes clients without a certificate for authorized, and serves every name alike.
const DENO_NEEDED = [2, 8] as const;

/**
 * Makes sure that this Deno has TLS that can be relied on.
 *
 * @throws {Error} with one line, when it has not.
 */
export function checkTlsSupport(version: string = Deno.version.deno): void {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const [needMajor, needMinor] = DENO_NEEDED;
  if (major > needMajor || (major === needMajor && minor >= needMinor)) return;
  throw new Error(
    `TLS needs Deno ${needMajor}.${needMinor} or later, and this is ${version}; update Deno, or let a proxy in front end it`,
  );
}
