// IP addresses as text and as the raw bytes that a Task carries.

import { writeInt32 } from "./int32.ts";

const ZERO = "0".charCodeAt(0);
const DOT = ".".charCodeAt(0) - ZERO;

/** An address as a Task carries it. */
export interface RawIp {
  /** 16 bytes; an IPv4 address uses the first four. */
  readonly bytes: Uint8Array;
  /** Whether it is an IPv6 address. */
  readonly ipv6: boolean;
}

/**
 * The raw form of an address; an IPv4 address mapped into IPv6 (`::ffff:1.2.3.4`) is an IPv4
 * address. What is no IP address gives zero bytes.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { ipToBytes } from "@maple/box";
 *
 * assertEquals([...ipToBytes("127.0.0.1").bytes.subarray(0, 4)], [127, 0, 0, 1]);
 * ```
 */
export function ipToBytes(text: string): RawIp {
  const bytes = new Uint8Array(16);
  const ipv4 = parseIpv4(text);
  if (ipv4 !== undefined) {
    writeInt32(bytes, 0, ipv4);
    return { bytes, ipv6: false };
  }
  const groups = parseIpv6(text);
  if (!groups) return { bytes, ipv6: false };
  const view = new DataView(bytes.buffer);
  groups.forEach((group, i) => view.setUint16(i * 2, group));
  if (
    groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff
  ) {
    bytes.copyWithin(0, 12).fill(0, 4);
    return { bytes, ipv6: false };
  }
  return { bytes, ipv6: true };
}

/**
 * The text of a raw address, IPv6 in the short form of RFC 5952; the empty string for zero bytes of
 * IPv4.
 *
 * @param bytes 16 bytes.
 */
export function ipFromBytes(bytes: Uint8Array, ipv6: boolean): string {
  if (!ipv6) {
    const text = bytes.subarray(0, 4).join(".");
    return text === "0.0.0.0" ? "" : text;
  }
  const groups: number[] = [];
  for (let i = 0; i < 16; i += 2) groups.push(bytes[i]! * 256 + bytes[i + 1]!);
  let bestAt = -1;
  let bestLength = 1;
  for (let at = 0; at < 8; at++) {
    let length = 0;
    while (at + length < 8 && groups[at + length] === 0) length++;
    if (length > bestLength) [bestAt, bestLength] = [at, length];
  }
  const hex = groups.map((group) => group.toString(16));
  if (bestAt < 0) return hex.join(":");
  return `${hex.slice(0, bestAt).join(":")}::${
    hex.slice(bestAt + bestLength).join(":")
  }`;
}

/**
 * The 32 bits of an IPv4 address; undefined where the text is none. It takes no memory: a gateway
 * asks for each client.
 */
export function parseIpv4(text: string): number | undefined {
  let bits = 0;
  let part = 0;
  let digits = 0;
  let dots = 0;
  for (let i = 0; i < text.length; i++) {
    const digit = text.charCodeAt(i) - ZERO;
    if (digit >= 0 && digit <= 9) {
      part = part * 10 + digit;
      if (++digits > 3 || part > 255) return undefined;
    } else {
      if (digit !== DOT || digits === 0 || ++dots > 3) return undefined;
      bits = bits << 8 | part;
      part = digits = 0;
    }
  }
  return dots === 3 && digits > 0 ? bits << 8 | part : undefined;
}

/** The eight groups of an IPv6 address; undefined where the text is none. */
export function parseIpv6(text: string): number[] | undefined {
  const address = text.split("%", 1)[0]!;
  const [left, right, more] = address.split("::");
  if (left === undefined || more !== undefined) return undefined;
  const head = parseGroups(left, right === undefined);
  const tail = right === undefined ? [] : parseGroups(right, true);
  if (!head || !tail) return undefined;
  const missing = 8 - head.length - tail.length;
  if (right === undefined ? missing !== 0 : missing < 1) return undefined;
  return [...head, ...new Array<number>(missing).fill(0), ...tail];
}

// Only the end of an address may be written as IPv4.
function parseGroups(text: string, atEnd: boolean): number[] | undefined {
  if (text === "") return [];
  const groups: number[] = [];
  const parts = text.split(":");
  for (const [i, part] of parts.entries()) {
    const ipv4 = atEnd && i === parts.length - 1 ? parseIpv4(part) : undefined;
    if (ipv4 !== undefined) {
      groups.push(ipv4 >>> 16, ipv4 & 0xffff);
    } else if (/^[\da-f]{1,4}$/i.test(part)) {
      groups.push(parseInt(part, 16));
    } else {
      return undefined;
    }
  }
  return groups;
}
