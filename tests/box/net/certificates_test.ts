import { assertEquals, assertThrows } from "@std/assert";
import { readCertificates } from "@maple/box/internal";
import { canServeTls, CertificateFolder } from "../../helpers/certificates.ts";

Deno.test({
  name:
    "readCertificates() reads pairs, of both kinds of keys, and knows whom they are for",
  ignore: !canServeTls,
  async fn() {
    using folder = await CertificateFolder.make();
    const one = await folder.sign("one", ["DNS:one.test", "DNS:*.one.test"]);
    const two = await folder.sign("two", ["DNS:two.test"], { rsa: true });
    const [first, second] = readCertificates(
      [one.cert, two.cert],
      [one.key, two.key],
    );
    assertEquals(
      ["one.test", "a.one.test", "a.b.one.test", "two.test"].map((name) =>
        first!.fits(name)
      ),
      [true, true, false, false],
    );
    assertEquals(
      [second!.fits("two.test"), second!.fits("one.test")],
      [true, false],
    );
    const years = (first!.expires.getTime() - Date.now()) / 365 / 24 / 3.6e6;
    assertEquals(Math.round(years), 10);
  },
});

Deno.test({
  name:
    "readCertificates() refuses what cannot be used, in one line that names the file",
  ignore: !canServeTls,
  async fn() {
    using folder = await CertificateFolder.make();
    const { cert, key } = await folder.sign("one", ["DNS:one.test"]);
    const other = await folder.sign("two", ["DNS:two.test"]);
    const none = `${folder.path}/none`;
    const cases: [string[], string[], string][] = [
      [
        [cert],
        [],
        "as many keys as certificates, at least one of each, got 1 (tlsCert) and 0 (tlsKey)",
      ],
      [[], [], "got 0 (tlsCert) and 0 (tlsKey)"],
      [[none], [key], `cannot read the certificate "${none}" (tlsCert)`],
      [[cert], [none], `cannot read the key "${none}" (tlsKey)`],
      [[key], [key], `"${key}" is no certificate in PEM (tlsCert)`],
      [
        [cert],
        [cert],
        `"${cert}" is no private key in PEM without a password (tlsKey)`,
      ],
      [
        [cert],
        [other.key],
        `the key "${other.key}" (tlsKey) is not that of the certificate "${cert}" (tlsCert)`,
      ],
    ];
    for (const [certs, keys, expected] of cases) {
      const { message } = assertThrows(
        () => readCertificates(certs, keys),
        Error,
      ) as Error;
      assertEquals(
        [message.includes(expected), message.includes("\n")],
        [true, false],
        message,
      );
    }
  },
});
