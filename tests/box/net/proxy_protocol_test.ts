import { assertEquals, assertStringIncludes } from "@std/assert";
import { readProxyHeader } from "../../../box/net/proxy_protocol.ts";
import { hex, joined, utf8 } from "../support.ts";

const SIGNATURE = "0d0a0d0a000d0a515549540a";
const REST = utf8("the client's bytes");

/** A header of version 2. */
function v2(
  command: string,
  family: string,
  addresses: string,
  length?: number,
): Uint8Array {
  const body = hex(addresses);
  const bytes = length ?? body.length;
  return joined([
    hex(SIGNATURE + command + family),
    Uint8Array.of(bytes >> 8, bytes & 255),
    body,
  ]);
}

// 192.0.2.7:54321 to 198.51.100.9:443.
const V4 = "c0000207 c6336409 d431 01bb";
// [2001:db8::7]:54321 to [2001:db8::9]:443.
const V6 =
  "20010db8000000000000000000000007 20010db8000000000000000000000009 d431 01bb";

const HEADERS: readonly (readonly [string, Uint8Array, string | undefined])[] =
  [
    [
      "v1 TCP4",
      utf8("PROXY TCP4 192.0.2.7 198.51.100.9 54321 443\r\n"),
      "192.0.2.7 54321",
    ],
    [
      "v1 TCP6",
      utf8("PROXY TCP6 2001:db8::7 2001:db8::9 54321 443\r\n"),
      "2001:db8::7 54321",
    ],
    ["v1 UNKNOWN", utf8("PROXY UNKNOWN\r\n"), undefined],
    ["v1 UNKNOWN with addresses", utf8("PROXY UNKNOWN a b c d\r\n"), undefined],
    ["v2 TCP over IPv4", v2("21", "11", V4), "192.0.2.7 54321"],
    ["v2 TCP over IPv6", v2("21", "21", V6), "2001:db8::7 54321"],
    [
      "v2 with further fields",
      v2("21", "11", `${V4} 04 0003 616263`),
      "192.0.2.7 54321",
    ],
    ["v2 LOCAL, a health check", v2("20", "00", ""), undefined],
    ["v2 of an unknown family", v2("21", "00", ""), undefined],
    ["v2 of a Unix socket", v2("21", "31", "00".repeat(216)), undefined],
  ];

for (const [name, bytes, expected] of HEADERS) {
  Deno.test(`readProxyHeader() reads ${name}`, () => {
    for (let cut = 0; cut < bytes.length; cut++) {
      assertEquals(readProxyHeader(bytes.subarray(0, cut)), { kind: "more" });
    }
    for (const all of [bytes, joined([bytes, REST])]) {
      const header = readProxyHeader(all);
      if (header.kind !== "header") throw new Error(header.kind);
      const { source } = header;
      assertEquals(header.bytes, bytes.length);
      assertEquals(source && `${source.hostname} ${source.port}`, expected);
    }
  });
}

const WRONG: readonly (readonly [string, Uint8Array, string])[] = [
  [
    "a client without a proxy",
    hex("7978aecf 0000 0000"),
    "does not begin with",
  ],
  ["HTTP", utf8("GET / HTTP/1.1\r\n"), "does not begin with"],
  [
    "v1 without an end",
    utf8(`PROXY TCP4 ${"1".repeat(200)}`),
    "longer than 107",
  ],
  ["v1 with LF alone", utf8("PROXY UNKNOWN\n"), "is not ended"],
  ["v1 of another family", utf8("PROXY TCP4 ::1 ::1 1 1\r\n"), "the address"],
  ["v1 without an address", utf8("PROXY TCP4 x y 1 1\r\n"), "the address"],
  [
    "v1 with a port too large",
    utf8("PROXY TCP4 1.1.1.1 1.1.1.1 65536 1\r\n"),
    "the address",
  ],
  ["v1 with too few fields", utf8("PROXY TCP4 1.1.1.1\r\n"), "is wrong"],
  ["v2 of another version", v2("11", "11", V4), "version 1"],
  ["v2 of another command", v2("22", "11", V4), "command 2"],
  ["v2 that is too short", v2("21", "11", "c0000207"), "too short"],
  ["v2 that is too long", v2("21", "11", V4, 60000), "longer than 536"],
];

for (const [name, bytes, message] of WRONG) {
  Deno.test(`readProxyHeader() refuses ${name}`, () => {
    const header = readProxyHeader(bytes);
    if (header.kind !== "wrong") throw new Error(header.kind);
    assertStringIncludes(header.message, message);
  });
}
