// makeCertificate: a certificate for localhost, signed with its own key.

/** Whether a certificate can be made; it takes no part in what is tested. */
export const hasOpenssl: boolean = await new Deno.Command("openssl", {
  args: ["version"],
}).output().then(({ success }) => success, () => false);

/** A certificate and its key, in PEM; its files are removed at the end of the test. */
export interface Certificate extends AsyncDisposable {
  /** The key. */
  readonly key: string;
  /** The certificate, which is its own authority. */
  readonly cert: string;
  /** The file with the certificate. */
  readonly certFile: string;
}

/** Makes a certificate for localhost. */
export async function makeCertificate(): Promise<Certificate> {
  const folder = await Deno.makeTempDir();
  const [keyFile, certFile] = [`${folder}/key.pem`, `${folder}/cert.pem`];
  const { success, stderr } = await new Deno.Command("openssl", {
    args: [
      ...["req", "-x509", "-newkey", "ec", "-nodes", "-days", "2"],
      ...["-pkeyopt", "ec_paramgen_curve:prime256v1", "-subj", "/CN=localhost"],
      ...["-addext", "subjectAltName=DNS:localhost"],
      ...["-addext", "basicConstraints=critical,CA:FALSE"],
      ...["-keyout", keyFile, "-out", certFile],
    ],
  }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  return {
    key: await Deno.readTextFile(keyFile),
    cert: await Deno.readTextFile(certFile),
    certFile,
    [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
  };
}
