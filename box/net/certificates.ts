// Certificates: what a server shows of itself in a handshake of TLS, from files in PEM.

import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";

/** A certificate with its key. */
export interface Certificate {
  /** The file of the certificate. */
  readonly path: string;
  /** The certificate and those that vouch for it, in PEM. */
  readonly cert: string;
  /** Its private key, in PEM. */
  readonly key: string;
  /** When it expires. */
  readonly expires: Date;
  /** Whether it is for a host of that name. */
  readonly fits: (name: string) => boolean;
}

/**
 * Reads certificates and their keys: the first of one belongs to the first of the other.
 *
 * @throws {Error} with one line that names the file, when one cannot be used.
 */
export function readCertificates(
  certs: readonly string[],
  keys: readonly string[],
): Certificate[] {
  if (certs.length !== keys.length || certs.length === 0) {
    throw new Error(
      `TLS takes as many keys as certificates, at least one of each, got ${certs.length} (tlsCert) and ${keys.length} (tlsKey)`,
    );
  }
  return certs.map((path, i) => readPair(path, keys[i]!));
}

function readPair(
  certPath: string,
  keyPath: string,
): Certificate {
  const cert = readFile(certPath, "certificate", "tlsCert");
  const key = readFile(keyPath, "key", "tlsKey");
  let x509: X509Certificate;
  try {
    x509 = new X509Certificate(cert);
  } catch {
    throw new Error(
      `"${certPath}" is no certificate in PEM (tlsCert)`,
    );
  }
  let privateKey: KeyObject;
  try {
    privateKey = createPrivateKey(key);
  } catch {
    throw new Error(
      `"${keyPath}" is no private key in PEM without a password (tlsKey)`,
    );
  }
  if (!x509.checkPrivateKey(privateKey)) {
    throw new Error(
      `the key "${keyPath}" (tlsKey) is not that of the certificate "${certPath}" (tlsCert)`,
    );
  }
  return {
    path: certPath,
    cert,
    key,
    expires: new Date(x509.validTo),
    fits: fitsOneOf(namesOf(x509)),
  };
}

// The names of hosts; its subject counts no more (RFC 6125, 6.4.4).
function namesOf({ subjectAltName = "" }: X509Certificate): string[] {
  return subjectAltName.split(", ")
    .filter((name) => name.startsWith("DNS:"))
    .map((name) => name.slice("DNS:".length).toLowerCase());
}

// `*.example.org` stands for one label.
function fitsOneOf(names: readonly string[]): (name: string) => boolean {
  return (name) => {
    const asked = name.toLowerCase();
    return names.includes(asked) ||
      names.includes(asked.replace(/^[^.]+/, "*"));
  };
}

function readFile(path: string, what: string, option: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    throw new Error(
      `cannot read the ${what} "${path}" (${option}): ${
        (error as Error).message
      }`,
    );
  }
}
