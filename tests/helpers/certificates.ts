// Certificates for tests, made by openssl where it is installed.

import { checkTlsSupport } from "@maple/box/internal";
import { isInstalled } from "./installed.ts";

/** A certificate and its key, as files. */
export interface CertificateFiles {
  /** The certificate. */
  readonly cert: string;
  /** Its key. */
  readonly key: string;
}

/** Whether they can be made; without openssl, a line is printed that says what that means. */
export const hasOpenssl: boolean = await isInstalled(
  ["openssl", "version"],
  { packages: "openssl", untested: "nothing is tested over TLS" },
);

/** Whether they can be made, and this Deno has TLS at ports of ours. */
export const canServeTls: boolean = hasOpenssl && hasTls();

function hasTls(): boolean {
  try {
    checkTlsSupport();
    return true;
  } catch {
    return false;
  }
}

async function openssl(args: readonly string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command("openssl", {
    args: [...args],
    stdout: "null",
    stderr: "piped",
  }).output();
  if (success) return;
  throw new Error(
    `openssl ${args.join(" ")}: ${new TextDecoder().decode(stderr)}`,
  );
}

const EC = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
const RSA = ["-newkey", "rsa:2048", "-nodes"];

/** A folder with an authority and certificates that it has signed, removed at the end. */
export class CertificateFolder implements Disposable {
  /** Where they are. */
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  /** Makes one, with the authority. */
  static async make(): Promise<CertificateFolder> {
    const path = Deno.makeTempDirSync({ prefix: "maple-test-" });
    const folder = new CertificateFolder(path);
    await openssl([
      ...[
        "req",
        "-x509",
        ...EC,
        "-days",
        "3650",
        "-subj",
        "/CN=test authority",
      ],
      ...["-keyout", `${path}/ca.key`, "-out", `${path}/ca.crt`],
    ]);
    return folder;
  }

  /** The certificate of the authority, in PEM. */
  get authority(): string {
    return Deno.readTextFileSync(`${this.path}/ca.crt`);
  }

  /** Its file. */
  get authorityFile(): string {
    return `${this.path}/ca.crt`;
  }

  /**
   * Signs a certificate for hosts.
   *
   * @param names As openssl takes them: `DNS:localhost`, `IP:127.0.0.1`.
   */
  async sign(
    file: string,
    names: readonly string[],
    { rsa = false, days = 3650 }: { rsa?: boolean; days?: number } = {},
  ): Promise<CertificateFiles> {
    const [cert, key, request, more] = ["crt", "key", "csr", "ext"].map((end) =>
      `${this.path}/${file}.${end}`
    ) as [string, string, string, string];
    await openssl([
      ...["req", ...(rsa ? RSA : EC), "-subj", `/CN=${file}`],
      ...["-keyout", key, "-out", request],
    ]);
    Deno.writeTextFileSync(
      more,
      `basicConstraints=CA:FALSE\nsubjectAltName=${names.join(",")}\n`,
    );
    await openssl([
      ...["x509", "-req", "-in", request, "-out", cert, "-extfile", more],
      ...["-CA", `${this.path}/ca.crt`, "-CAkey", `${this.path}/ca.key`],
      ...["-CAcreateserial", "-days", String(days)],
    ]);
    return { cert, key };
  }

  /** Removes it. */
  [Symbol.dispose](): void {
    Deno.removeSync(this.path, { recursive: true });
  }
}

/** What every test may use: a certificate for this machine, made once. */
export interface LocalCertificate extends CertificateFiles {
  /** Whom clients have to trust, in PEM. */
  readonly authority: string;
  /** The same, as a file. */
  readonly authorityFile: string;
}

let made: Promise<LocalCertificate> | undefined;

/** A certificate for localhost and 127.0.0.1. */
export function localCertificate(): Promise<LocalCertificate> {
  return made ??= makeLocal();
}

async function makeLocal(): Promise<LocalCertificate> {
  const folder = await CertificateFolder.make();
  addEventListener("unload", () => folder[Symbol.dispose]());
  const { authority, authorityFile } = folder;
  const names = ["DNS:localhost", "IP:127.0.0.1"];
  return { ...await folder.sign("local", names), authority, authorityFile };
}
