// Secrets from options, files and the environment: what is understood, and that no error tells one.

import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  parseSecrets,
  PeerSecret,
  readSecrets,
  Secret,
  SECRET_ENV,
} from "@maple/box/internal";

const FIRST = "0123456789abcdef";
const SECOND = "fedcba9876543210";
const NAMES = { secret: "secret", secretFile: "secretFile" };
const WITHOUT_MODES = Deno.build.os === "windows";

function fail(message: string): Error {
  return new TypeError(message);
}

function parse(text: string, role?: "worker"): Secret[] {
  return parseSecrets(text, { source: "it", role, fail });
}

// Secrets show nothing, but they compare.
function assertSame(got: readonly Secret[], expected: readonly Secret[]): void {
  assertEquals(got.length, expected.length);
  expected.forEach((secret, i) => assert(secret.equals(got[i]!), `${i}`));
}

Deno.test("parseSecrets() takes lines, commas, comments and several of a role", () => {
  const secrets = [
    new Secret("worker", FIRST),
    new Secret("worker", SECOND),
    new Secret("admin", "sixteen-or-more!"),
  ];
  const texts = [
    `worker:${FIRST}\nworker:${SECOND}\nadmin:sixteen-or-more!\n`,
    `\uFEFF# all, of them: here\r\n  worker: ${FIRST} \r\n\r\nworker:${SECOND},admin:sixteen-or-more!,`,
    `worker:${FIRST},worker:${SECOND},worker:${FIRST},admin:sixteen-or-more!`,
  ];
  for (const text of texts) assertSame(parse(text), secrets);
  assertSame(parse(FIRST, "worker"), [new Secret("worker", FIRST)]);
  assertSame(parse(`admin:${FIRST}`, "worker"), [new Secret("admin", FIRST)]);
});

Deno.test("parseSecrets() tells the line, what was expected, and never the secret", () => {
  const bad: [text: string, message: RegExp][] = [
    ["", /^There is no secret in it; expected role:secret/],
    ["# worker:0123456789abcdef", /no secret in it/],
    [FIRST, /^The secret in line 1 of it has no role: expected worker:, /],
    [`\n\nboss:${FIRST}`, /line 3 of it has no role/],
    [`worker:${FIRST.slice(1)}`, /line 1 .* expected 16 to 256 .*got 15/],
    [`worker:${"0123456789abcdef".repeat(17)}`, /got 272/],
    [`worker:0123456789 abcdef`, /does not fit/],
    [`worker:0123456789abcdéf`, /does not fit/],
    [`worker:0123456789:abcdef`, /does not fit/],
    [`worker:${FIRST}\nadmin:${FIRST}`, /line 2 .* role worker as well/],
    [
      ["a", "b", "c", "d", "e"].map((x) => `worker:${FIRST}${x}`).join("\n"),
      /line 5 .* up to 4/,
    ],
  ];
  for (const [text, message] of bad) {
    const error = assertThrows(() => parse(text), TypeError);
    assert(message.test(error.message), `${error.message} for ${text}`);
    assert(!error.message.includes("0123456789"), error.message);
  }
});

Deno.test("readSecrets() does not tell a secret that is given as a file", () => {
  for (const secretFile of [`worker:${FIRST}`, ` admin : ${FIRST}`]) {
    const error = assertThrows(
      () => readSecrets({ secretFile, names: NAMES, fail }),
      TypeError,
      "Option secretFile takes the path of a file, and was given what looks",
    );
    assert(!error.message.includes(FIRST), error.message);
  }
  assertThrows(
    () => readSecrets({ secretFile: "workers", names: NAMES, fail }),
    TypeError,
    'Cannot read the secret file "workers"',
  );
});

Deno.test("readSecrets() reads a file that only its owner may use", async () => {
  const path = await Deno.makeTempFile();
  const read = () => readSecrets({ secretFile: path, names: NAMES, fail });
  try {
    await Deno.writeTextFile(path, `trigger:${FIRST}`);
    await Deno.chmod(path, 0o600).catch(() => {});
    assertSame(read(), [new Secret("trigger", FIRST)]);
    for (const mode of WITHOUT_MODES ? [] : [0o640, 0o604, 0o610, 0o644]) {
      await Deno.chmod(path, mode);
      assertThrows(
        read,
        TypeError,
        `(mode ${mode.toString(8)}): chmod 600 it`,
      );
    }
  } finally {
    await Deno.remove(path);
  }
  assertThrows(read, TypeError, `Cannot read the secret file "${path}"`);
  const folder = await Deno.makeTempDir();
  assertThrows(
    () => readSecrets({ secretFile: folder, names: NAMES, fail }),
    TypeError,
    "it is no file",
  );
  await Deno.remove(folder);
});

Deno.test("readSecrets() takes the option first, and refuses two sources", () => {
  assertSame(
    readSecrets({ secret: [`worker:${FIRST}`], names: NAMES, fail }),
    [new Secret("worker", FIRST)],
  );
  assertThrows(
    () =>
      readSecrets({
        secret: `worker:${FIRST}`,
        secretFile: "x",
        names: NAMES,
        fail,
      }),
    TypeError,
    "Options secret and secretFile exclude each other",
  );
});

Deno.test("readSecrets() takes the environment last, and PeerSecret the best role", () => {
  const env = `trigger:${FIRST},admin:${SECOND}`;
  assertSame(readSecrets({ env, names: NAMES, fail }), [
    new Secret("trigger", FIRST),
    new Secret("admin", SECOND),
  ]);
  assertSame(
    readSecrets({ env, secret: `worker:${FIRST}`, names: NAMES, fail }),
    [new Secret("worker", FIRST)],
  );
  const roles = ["admin", "trigger"] as const;
  const peer = new PeerSecret({ env, roles, role: "trigger", fail });
  assert(peer.last!.equals(new Secret("admin", SECOND)));
  assertThrows(
    () => new PeerSecret({ env, roles: ["worker"], role: "worker", fail }),
    TypeError,
    `There is no secret of role worker in ${SECRET_ENV}`,
  );
  assertSame(readSecrets({ env: "", names: NAMES, fail }), []);
});

Deno.test("PeerSecret reads its file anew, and keeps the last when it is broken", async () => {
  const path = await Deno.makeTempFile();
  const write = async (text: string) => {
    await Deno.writeTextFile(path, text);
    await Deno.chmod(path, 0o600).catch(() => {});
  };
  const faults: string[] = [];
  const renew = () => peer.renew((why) => faults.push(why))!;
  await write(`worker:${FIRST}`);
  const peer = new PeerSecret({
    secretFile: path,
    roles: ["worker"],
    role: "worker",
    fail,
  });
  await write(`# new\n${SECOND}\nworker:${FIRST}`);
  assert(renew().equals(new Secret("worker", SECOND)));
  await write("worker:short");
  assert(renew().equals(new Secret("worker", SECOND)));
  assertEquals(faults.length, 1);
  assert(!faults[0]!.includes("short\n") && faults[0]!.includes("line 1"));
  await Deno.remove(path);
});
