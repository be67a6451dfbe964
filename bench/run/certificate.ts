// certify(): a certificate for this machine, for the benchmarks over TLS.

import { join } from "node:path";

/** A certificate for this machine, as gateway and load tool, and as HAProxy, take it. */
export interface BenchCertificate {
  readonly cert: string;
  readonly key: string;
  readonly pem: string;
  readonly authority: string;
}

/** Makes one in a folder; undefined where openssl is not installed. */
export async function certify(
  folder: string,
): Promise<BenchCertificate | undefined> {
  const [cert, key, pem, authority] = ["tls.crt", "tls.key", "tls.pem", "ca"]
    .map((name) => join(folder, name)) as [string, string, string, string];
  const make = async (args: readonly string[]) => {
    const { success, stderr } = await new Deno.Command("openssl", {
      args: [...args],
      stdout: "null",
    }).output();
    if (!success) {
      throw new Error(`openssl: ${new TextDecoder().decode(stderr)}`);
    }
  };
  const NEW = ["req", "-newkey", "ec", "-nodes"];
  const CURVE = ["-pkeyopt", "ec_paramgen_curve:P-256"];
  try {
    await make([
      ...[...NEW, ...CURVE, "-x509", "-subj", "/CN=bench authority"],
      ...["-keyout", `${authority}.key`, "-out", `${authority}.crt`],
    ]);
    await make([
      ...[...NEW, ...CURVE, "-subj", "/CN=bench"],
      ...["-keyout", key, "-out", `${cert}.request`],
    ]);
    await Deno.writeTextFile(
      `${cert}.names`,
      "basicConstraints=CA:FALSE\nsubjectAltName=DNS:localhost,IP:127.0.0.1\n",
    );
    await make([
      ...["x509", "-req", "-in", `${cert}.request`, "-out", cert],
      ...["-CA", `${authority}.crt`, "-CAkey", `${authority}.key`],
      ...["-CAcreateserial", "-extfile", `${cert}.names`],
    ]);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
  const texts = await Promise.all(
    [cert, key].map((path) => Deno.readTextFile(path)),
  );
  await Deno.writeTextFile(pem, texts.join(""));
  return { cert, key, pem, authority: `${authority}.crt` };
}
