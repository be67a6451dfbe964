import { assertEquals, assertStringIncludes } from "@std/assert";
import {
  answerHandshake,
  type HandshakeOptions,
  headEnd,
} from "../../../box/net/web_socket_handshake.ts";
import { utf8 } from "../support.ts";

// The example of RFC 6455, 1.3.
const HEADERS: Readonly<Record<string, string>> = {
  Host: "server.example.com",
  Upgrade: "websocket",
  Connection: "Upgrade",
  "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
  "Sec-WebSocket-Version": "13",
};

interface RequestOptions extends HandshakeOptions {
  line?: string;
  headers?: Readonly<Record<string, string | undefined>>;
  extra?: string;
}

/** What a request with these headers, beside or in place of the usual ones, is answered. */
function answer(options: RequestOptions = {}) {
  const { line = "GET /chat HTTP/1.1", headers, extra = "" } = options;
  const lines = Object.entries({ ...HEADERS, ...headers })
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}: ${value}\r\n`);
  const head = utf8(`${line}\r\n${lines.join("")}${extra}\r\n`);
  const { accepted, response, message } = answerHandshake(head, options);
  const text = new TextDecoder().decode(response);
  return { accepted, text, message, status: Number(text.split(" ")[1]) };
}

Deno.test("answerHandshake() gives the answer of the RFC's example", () => {
  const { accepted, text } = answer();
  assertEquals(accepted, true);
  assertEquals(
    text,
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
      "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
  );
});

Deno.test("answerHandshake() takes what browsers and proxies make of it", () => {
  for (
    const options of [
      { headers: { Upgrade: "WebSocket" } },
      { headers: { Connection: "keep-alive, Upgrade" } },
      { headers: { Upgrade: "h2c, websocket" } },
      { extra: "X-Other:  with blanks \r\nempty:\r\n" },
      { line: "GET /?a=b#c HTTP/1.1" },
      { path: "/chat" },
      { line: "GET /chat?token=x HTTP/1.1", path: "/chat" },
      { origins: ["https://game.example"] },
      {
        origins: ["https://game.example"],
        headers: { Origin: "https://game.example" },
      },
    ] satisfies RequestOptions[]
  ) assertEquals(answer(options).accepted, true, JSON.stringify(options));
});

Deno.test("answerHandshake() agrees on the subprotocol maple where it is offered", () => {
  const offered = { "Sec-WebSocket-Protocol": "mqtt, maple" };
  assertStringIncludes(
    answer({ headers: offered }).text,
    "\r\nSec-WebSocket-Protocol: maple\r\n",
  );
  const other = answer({ headers: { "Sec-WebSocket-Protocol": "mqtt" } });
  assertEquals(other.text.includes("Protocol:"), false);
});

const REFUSED: readonly (readonly [string, RequestOptions, number, string])[] =
  [
    ["another method", { line: "POST / HTTP/1.1" }, 405, "Allow: GET"],
    ["HTTP/1.0", { line: "GET / HTTP/1.0" }, 505, "HTTP/1.0"],
    ["no request line", { line: "hello" }, 400, "the request line"],
    [
      "a line with blanks",
      { line: "GET  / HTTP/1.1" },
      400,
      "the request line",
    ],
    ["no Host", { headers: { Host: undefined } }, 400, "there is no Host"],
    [
      "a browser's visit",
      { headers: { Upgrade: undefined } },
      426,
      "this port is for WebSockets",
    ],
    ["no Connection", { headers: { Connection: "close" } }, 400, "Connection"],
    [
      "version 8",
      { headers: { "Sec-WebSocket-Version": "8" } },
      426,
      "Sec-WebSocket-Version: 13",
    ],
    [
      "no version",
      { headers: { "Sec-WebSocket-Version": undefined } },
      426,
      "not 13",
    ],
    [
      "no key",
      { headers: { "Sec-WebSocket-Key": undefined } },
      400,
      "Sec-WebSocket-Key",
    ],
    [
      "a key of 15 bytes",
      { headers: { "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25j" } },
      400,
      "Sec-WebSocket-Key",
    ],
    [
      "two keys",
      { extra: "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" },
      400,
      "comes twice",
    ],
    ["a folded header", { extra: " more\r\n" }, 400, "a header is wrong"],
    ["a header without a name", { extra: ": x\r\n" }, 400, "a header is wrong"],
    ["another path", { path: "/ws" }, 404, "nothing at /chat"],
    [
      "a foreign origin",
      { origins: ["https://a"], headers: { Origin: "https://b" } },
      403,
      "pages of https://b",
    ],
    [
      "a null origin",
      { origins: ["https://a"], headers: { Origin: "null" } },
      403,
      "pages of null",
    ],
  ];

for (const [name, options, status, text] of REFUSED) {
  Deno.test(`answerHandshake() refuses ${name} with ${status}`, () => {
    const refused = answer(options);
    assertEquals([refused.accepted, refused.status], [false, status]);
    assertStringIncludes(refused.text, text);
    assertStringIncludes(refused.text, "close\r\n");
    const [head, body] = refused.text.split("\r\n\r\n");
    assertStringIncludes(head!, `Content-Length: ${utf8(body!).length}`);
  });
}

Deno.test("headEnd() finds the empty line, and says when it is not there yet", () => {
  assertEquals(headEnd(utf8("GET / HTTP/1.1\r\nHost: a\r\n\r\nrest")), 27);
  assertEquals(headEnd(utf8("GET / HTTP/1.1\r\nHost: a\r\n\r")), -1);
  assertEquals(headEnd(new Uint8Array(0)), -1);
});
