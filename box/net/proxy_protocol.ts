// The PROXY protocol, versions 1 and 2: how a proxy tells whom it speaks for, before anything else.
// After HAProxy's proxy-protocol.txt.

import { ipFromBytes, ipToBytes } from "../ip_address.ts";

/** What the bytes at the beginning of a connection are. */
export type ProxyHeader =
  /** More bytes are needed. */
  | { readonly kind: "more" }
  /** No header, or one that is wrong. */
  | { readonly kind: "wrong"; readonly message: string }
  /** A whole header. */
  | {
    readonly kind: "header";
    /** How many bytes it takes. */
    readonly bytes: number;
    /** For whom the proxy speaks; undefined when it speaks for itself (a health check). */
    readonly source: { hostname: string; port: number } | undefined;
  };

/** The longest header that is read. */
export const PROXY_HEADER_MAX_BYTES: number = 536;

const MORE: ProxyHeader = { kind: "more" };
const LONGEST_V1 = 107;
// Of version 2: CR LF CR LF NUL CR LF Q U I T LF.
const SIGNATURE = Uint8Array.of(
  ...[0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d],
  ...[0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a],
);
const V2_HEADER = 16;
const LOCAL = 0;
const PROXY = 1;
const TCP4 = 0x11;
const TCP6 = 0x21;
const V1 = /^PROXY (TCP4|TCP6) (\S+) (\S+) (\d{1,5}) (\d{1,5})$/;
const V1_START = new TextEncoder().encode("PROXY ");

const ascii = new TextDecoder("latin1");

/** Reads the header at the beginning of `bytes`. */
export function readProxyHeader(bytes: Uint8Array): ProxyHeader {
  if (startsAlike(bytes, SIGNATURE)) return readV2(bytes);
  if (startsAlike(bytes, V1_START)) return readV1(bytes);
  return wrong("it does not begin with a PROXY header");
}

// As far as both go.
function startsAlike(bytes: Uint8Array, start: Uint8Array): boolean {
  const count = Math.min(bytes.length, start.length);
  for (let i = 0; i < count; i++) if (bytes[i] !== start[i]) return false;
  return true;
}

function readV1(bytes: Uint8Array): ProxyHeader {
  const head = bytes.subarray(0, LONGEST_V1);
  const end = head.indexOf(10);
  if (end < 0) {
    return bytes.length < LONGEST_V1
      ? MORE
      : wrong(`its PROXY header is longer than ${LONGEST_V1} bytes`);
  }
  const line = ascii.decode(head.subarray(0, end));
  if (!line.endsWith("\r")) {
    return wrong("the line of its PROXY header is not ended");
  }
  const header = { kind: "header", bytes: end + 1 } as const;
  if (/^PROXY UNKNOWN( |\r)/.test(line)) {
    return { ...header, source: undefined };
  }
  const match = V1.exec(line.slice(0, -1));
  if (!match) return wrong("its PROXY header is wrong");
  const [, family, hostname, , port] = match;
  const isIpv6 = hostname!.includes(":");
  if (
    isIpv6 !== (family === "TCP6") || !isAddress(hostname!) ||
    Number(port) > 65535
  ) {
    return wrong("the address in its PROXY header is wrong");
  }
  return { ...header, source: { hostname: hostname!, port: Number(port) } };
}

function isAddress(text: string): boolean {
  return ipFromBytes(ipToBytes(text).bytes, true) !== "::" ||
    /^[0.]+$|^::$/.test(text);
}

function readV2(bytes: Uint8Array): ProxyHeader {
  if (bytes.length < V2_HEADER) return MORE;
  const version = bytes[12]! >> 4;
  const command = bytes[12]! & 15;
  if (version !== 2 || command > PROXY) {
    return wrong(`its PROXY header has version ${version}, command ${command}`);
  }
  const length = V2_HEADER + bytes[14]! * 256 + bytes[15]!;
  if (length > PROXY_HEADER_MAX_BYTES) {
    return wrong(
      `its PROXY header is longer than ${PROXY_HEADER_MAX_BYTES} bytes`,
    );
  }
  if (bytes.length < length) return MORE;
  const header = { kind: "header", bytes: length } as const;
  if (command === LOCAL) return { ...header, source: undefined };
  const family = bytes[13]!;
  const isIpv6 = family === TCP6;
  // What the proxy does not know, or no TCP: its own address stays.
  if (!isIpv6 && family !== TCP4) return { ...header, source: undefined };
  const addressBytes = isIpv6 ? 16 : 4;
  if (length < V2_HEADER + 2 * addressBytes + 4) {
    return wrong("its PROXY header is too short for its addresses");
  }
  const raw = new Uint8Array(16);
  raw.set(bytes.subarray(V2_HEADER, V2_HEADER + addressBytes));
  const portAt = V2_HEADER + 2 * addressBytes;
  return {
    ...header,
    source: {
      hostname: ipFromBytes(raw, isIpv6) || "0.0.0.0",
      port: bytes[portAt]! * 256 + bytes[portAt + 1]!,
    },
  };
}

function wrong(message: string): ProxyHeader {
  return { kind: "wrong", message };
}
