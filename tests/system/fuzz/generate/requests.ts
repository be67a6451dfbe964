// Requests to a gateway's status port.

import type { Random } from "../../../helpers/random.ts";
import { utf8 } from "../../../box/support.ts";
import { some } from "./boxes.ts";

const METHODS = [
  "GET",
  "GET",
  "GET",
  "HEAD",
  "POST",
  "OPTIONS",
  "CONNECT",
  "PRI",
  "get",
  "",
];
const PATHS = [
  ...[
    "/",
    "/metrics",
    "/healthz",
    "/healthz?ready",
    "/stats.json",
    "/events",
    "/none",
  ],
  ...[
    "*",
    "//",
    "/../etc/passwd",
    "/%00",
    "/%ff?%",
    "http://127.0.0.1/healthz",
    "/?a&&=b#c",
  ],
];
const HEADERS = [
  ...[
    "Host: 127.0.0.1",
    "Host: evil.example",
    "Host:",
    "Host: [::1]:80",
    "Host: 127.0.0.1:99999",
  ],
  ...[
    "Authorization: Bearer x",
    "Authorization: Basic ::::",
    "Origin: https://evil.example",
  ],
  ...[
    "Content-Length: 5",
    "Content-Length: -1",
    "Content-Length: 99999999999999999999",
  ],
  ...[
    "Transfer-Encoding: chunked",
    "Expect: 100-continue",
    "Connection: close",
  ],
  ...[
    "Upgrade: websocket",
    "Range: bytes=0-1",
    "Accept-Encoding: gzip, br",
    " folded",
  ],
  ...["Last-Event-ID: 1", "X: \u0000", `Y: ${"y".repeat(20_000)}`, "no colon"],
];

/** Some requests on one connection. */
export function requests(random: Random): Uint8Array[] {
  return some(random, (random) => {
    const version = random.pick([
      "HTTP/1.1",
      "HTTP/1.1",
      "HTTP/1.0",
      "HTTP/2.0",
      "HTTP/1.1.1",
    ]);
    const head = `${random.pick(METHODS)} ${random.pick(PATHS)} ${version}\r\n`;
    const headers = [
      ...(random.next() < 0.8 ? ["Host: 127.0.0.1"] : []),
      ...Array.from(
        { length: random.between(0, 3) },
        () => random.pick(HEADERS),
      ),
    ];
    const body = random.pick([
      "",
      "",
      "",
      "5\r\nhello\r\n0\r\n\r\n",
      "hello",
      "ffffffffffffffff\r\n",
    ]);
    return utf8(
      `${head}${headers.map((line) => `${line}\r\n`).join("")}\r\n${body}`,
    );
  });
}
