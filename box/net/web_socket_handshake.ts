// The handshake of a WebSocket (RFC 6455, section 4): what the head of an HTTP request must say,
// and the answer to it.

import { createHash } from "node:crypto";

/** The subprotocol that is agreed on where the client offers it. */
export const SUBPROTOCOL = "maple";

/** The longest head of a request. */
export const HEAD_MAX_BYTES: number = 8 * 1024;

/** What a server asks of a handshake. */
export interface HandshakeOptions {
  /** The only path that is served; every path when it is left out. */
  readonly path?: string | undefined;
  /**
   * The origins of the pages that may connect, as browsers tell them (`https://example.org`); all
   * when it is left out. A client that tells none is no browser and may connect.
   */
  readonly origins?: readonly string[] | undefined;
}

/** The answer to a handshake. */
export interface HandshakeAnswer {
  /** Whether the connection is a WebSocket from now on; else it is closed after the response. */
  readonly accepted: boolean;
  /** The HTTP response. */
  readonly response: Uint8Array;
  /** For logs: what was wrong, or the path. */
  readonly message: string;
  /** The headers, their names in lower case. */
  readonly headers: ReadonlyMap<string, string>;
}

const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
const REQUEST_LINE = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+) (\S+) HTTP\/(\d\.\d)$/;
const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const KEY = /^[A-Za-z0-9+/]{21}[AQgw]==$/;
// Headers that must not come twice.
const SINGLE = ["host", "origin", "sec-websocket-key", "sec-websocket-version"];
const STATUS: Readonly<Record<number, string>> = {
  400: "Bad Request",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  408: "Request Timeout",
  426: "Upgrade Required",
  431: "Request Header Fields Too Large",
  505: "HTTP Version Not Supported",
};

const NO_HEADERS: ReadonlyMap<string, string> = new Map();
const LINE_END = "\r\n";
const WRONG_HEADER = "a header is wrong";
const latin1 = new TextDecoder("latin1");
const encoder = new TextEncoder();

/** Where the head of a request ends, its empty line included; -1 when it is not whole yet. */
export function headEnd(bytes: Uint8Array): number {
  for (let i = 3; i < bytes.length; i++) {
    if (
      bytes[i] === 10 && bytes[i - 1] === 13 && bytes[i - 2] === 10 &&
      bytes[i - 3] === 13
    ) return i + 1;
  }
  return -1;
}

/** The answer to a request whose head, with the empty line, is `head`. */
export function answerHandshake(
  head: Uint8Array,
  options: HandshakeOptions = {},
): HandshakeAnswer {
  const text = latin1.decode(head);
  const firstEnd = text.indexOf(LINE_END);
  const request = REQUEST_LINE.exec(text.slice(0, firstEnd));
  if (!request) return refuseHandshake(400, "the request line is wrong");
  const [, method, target, version] = request;
  const headers = new Map<string, string>();
  // Thousands of clients come back at the same moment: what is thrown away here adds up.
  for (let at = firstEnd + 2; at < text.length - 2;) {
    const end = text.indexOf(LINE_END, at);
    const colon = text.indexOf(":", at);
    if (colon < 0 || colon > end) return refuseHandshake(400, WRONG_HEADER);
    const name = text.slice(at, colon).toLowerCase();
    const value = text.slice(colon + 1, end).trim();
    at = end + 2;
    if (
      !HEADER_NAME.test(name) || value.includes("\r") || value.includes("\n")
    ) {
      return refuseHandshake(400, WRONG_HEADER);
    }
    const before = headers.get(name);
    if (before !== undefined && SINGLE.includes(name)) {
      return refuseHandshake(400, `the header ${name} comes twice`);
    }
    headers.set(name, before === undefined ? value : `${before}, ${value}`);
  }
  if (version !== "1.1") return refuseHandshake(505, `HTTP/${version}`);
  if (method !== "GET") {
    return refuseHandshake(405, `the method is ${method}`, { Allow: "GET" });
  }
  if (!headers.get("host")) return refuseHandshake(400, "there is no Host");
  const path = target!.replace(/[?#].*$/, "");
  if (options.path !== undefined && path !== options.path) {
    return refuseHandshake(404, `there is nothing at ${path}`);
  }
  if (!isListed(headers, "upgrade", "websocket")) {
    return refuseHandshake(426, "this port is for WebSockets", UPGRADE);
  }
  if (!isListed(headers, "connection", "upgrade")) {
    return refuseHandshake(400, "the header Connection does not say Upgrade");
  }
  const wanted = headers.get("sec-websocket-version");
  if (wanted !== "13") {
    return refuseHandshake(426, `WebSocket version ${wanted}, not 13`, UPGRADE);
  }
  const key = headers.get("sec-websocket-key") ?? "";
  if (!KEY.test(key)) {
    return refuseHandshake(400, "Sec-WebSocket-Key is not 16 bytes in base64");
  }
  const origin = headers.get("origin");
  if (
    options.origins && origin !== undefined && !options.origins.includes(origin)
  ) {
    return refuseHandshake(403, `pages of ${origin} may not connect`);
  }
  const accept = createHash("sha1").update(key + GUID).digest("base64");
  return {
    accepted: true,
    message: path,
    headers,
    response: encoder.encode(
      `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n` +
        `Connection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n` +
        (isListed(headers, "sec-websocket-protocol", SUBPROTOCOL)
          ? `Sec-WebSocket-Protocol: ${SUBPROTOCOL}\r\n`
          : "") +
        "\r\n",
    ),
  };
}

const UPGRADE = {
  Upgrade: "websocket",
  "Sec-WebSocket-Version": "13",
} as const;

/** The answer to a request that is no handshake, or one that is not let in. */
export function refuseHandshake(
  status: number,
  message: string,
  headers: Readonly<Record<string, string>> = {},
): HandshakeAnswer {
  const body = `${status} ${STATUS[status]}: ${message}\n`;
  const all = {
    ...headers,
    Connection: status === 426 ? "Upgrade, close" : "close",
    "Content-Type": "text/plain; charset=utf-8",
    "Content-Length": String(encoder.encode(body).length),
  };
  const lines = Object.entries(all).map(([name, value]) =>
    `${name}: ${value}\r\n`
  );
  return {
    accepted: false,
    message,
    headers: NO_HEADERS,
    response: encoder.encode(
      `HTTP/1.1 ${status} ${STATUS[status]}\r\n${lines.join("")}\r\n${body}`,
    ),
  };
}

// Whether a header that is a list has such a member, which is in lower case.
function isListed(
  headers: ReadonlyMap<string, string>,
  name: string,
  member: string,
): boolean {
  const list = headers.get(name)?.toLowerCase() ?? "";
  return list === member ||
    list.includes(member) &&
      list.split(",").some((one) => one.trim() === member);
}
