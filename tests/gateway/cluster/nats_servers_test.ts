// How servers of NATS are told, and that nobody is told their passwords.

import { assertEquals, assertThrows } from "@std/assert";
import {
  describeServer,
  parseNatsServers,
  withoutPasswords,
} from "../../../gateway/cluster/nats_servers.ts";

const parse = (text: string) =>
  parseNatsServers("Option cluster", text, (line) => new Error(line));

Deno.test("parseNatsServers() reads hosts, ports, TLS and who shows itself how", () => {
  const at = { hostname: "h", port: 4222, tls: false };
  assertEquals(parse(""), []);
  assertEquals(parse("h"), [at]);
  assertEquals(parse("nats://h/"), [at]);
  assertEquals(parse("nats://h:80"), [{ ...at, port: 80 }]);
  assertEquals(parse("tls://h:443"), [{ ...at, port: 443, tls: true }]);
  assertEquals(parse("nats://[::1]:5"), [{ ...at, hostname: "::1", port: 5 }]);
  assertEquals(parse("nats://u:p%40%2f@h"), [{
    ...at,
    user: "u",
    pass: "p@/",
  }]);
  assertEquals(parse("nats://t0ken@h"), [{ ...at, token: "t0ken" }]);
});

Deno.test("parseNatsServers() shows servers without a user that of the first one with", () => {
  assertEquals(
    parse("nats://a, nats://u:1@b:2, c:3, nats://t@d").map((
      { hostname, user, pass, token },
    ) => [hostname, user, pass, token]),
    [
      ["a", "u", "1", undefined],
      ["b", "u", "1", undefined],
      ["c", "u", "1", undefined],
      ["d", undefined, undefined, "t"],
    ],
  );
});

Deno.test("parseNatsServers() refuses what is none, without its password", () => {
  for (
    const [text, told] of [
      ["ws://h", "ws://h"],
      ["nats://", "nats://"],
      ["nats://u:secret@h:99999", "nats://***@h:99999"],
      ["nats://u:secret@h:0", "nats://***@h:0"],
      ["nats://u:secret@h/path", "nats://***@h/path"],
      ["u:%zz@h", "***@h"],
    ]
  ) {
    assertThrows(
      () => parse(`nats://ok,${text}`),
      Error,
      `Option cluster must be servers of NATS as in nats://HOST:PORT, with commas between them, got "${told}"`,
    );
  }
});

Deno.test("describeServer() tells host and port, and nothing else", () => {
  const told = parse("nats://u:p@h,tls://[::1]:5").map(describeServer);
  assertEquals(told, ["h:4222", "[::1]:5"]);
});

Deno.test("withoutPasswords() leaves no user and no token", () => {
  assertEquals(
    withoutPasswords("nats://u:p@a:1,tls://t0k@b,c:3, u:p@x@d"),
    "nats://***@a:1,tls://***@b,c:3, ***@d",
  );
});
