// IpRange: a range of IP addresses as CIDR notation writes it (RFC 4632): 10.0.0.0/8, ::1.

import { ipFromBytes, ipToBytes } from "./ip_address.ts";
import { listOf } from "./options.ts";

/** A range of IP addresses. */
export class IpRange {
  /** Its first address as a Task carries it. */
  readonly bytes: Uint8Array;
  /** Whether it is one of IPv6 addresses. */
  readonly ipv6: boolean;
  /** How many of the bits count. */
  readonly bits: number;

  private constructor(bytes: Uint8Array, ipv6: boolean, bits: number) {
    // What does not count is zero, however it was written.
    for (let i = bits >> 3; i < bytes.length; i++) {
      const counting = Math.max(0, bits - i * 8);
      bytes[i]! &= 0xff00 >> counting;
    }
    this.bytes = bytes;
    this.ipv6 = ipv6;
    this.bits = bits;
  }

  /**
   * The range that a text names: an address, alone or with how many of its bits count; undefined
   * where it names none.
   */
  static parse(text: string): IpRange | undefined {
    const [address, length, more] = text.trim().split("/");
    if (address === undefined || more !== undefined) return undefined;
    const { bytes, ipv6 } = ipToBytes(address);
    // What is no address has zero bytes, as this one.
    if (
      !ipv6 && bytes.every((byte) => byte === 0) &&
      !/^0+(\.0+){3}$/.test(address)
    ) {
      return undefined;
    }
    const most = ipv6 ? 128 : 32;
    if (length === undefined) return new IpRange(bytes, ipv6, most);
    if (!/^\d{1,3}$/.test(length)) return undefined;
    // An IPv4 address that is written as IPv6 is an IPv4 address, its length too.
    const mapped = !ipv6 && address.includes(":");
    const bits = Number(length) - (mapped ? 96 : 0);
    return bits < 0 || bits > most ? undefined : new IpRange(bytes, ipv6, bits);
  }

  /** Whether an address is in it; what is no address is in none. */
  contains(address: string): boolean {
    const { bytes, ipv6 } = ipToBytes(address);
    if (ipv6 !== this.ipv6) return false;
    const whole = this.bits >> 3;
    for (let i = 0; i < whole; i++) {
      if (bytes[i] !== this.bytes[i]) return false;
    }
    const rest = 8 - (this.bits & 7);
    return rest === 8 || bytes[whole]! >> rest === this.bytes[whole]! >> rest;
  }

  /** The range in its one form: `192.0.2.0/24`; an address alone without its length. */
  toString(): string {
    const address = ipFromBytes(this.bytes, this.ipv6) || "0.0.0.0";
    return this.bits === (this.ipv6 ? 128 : 32)
      ? address
      : `${address}/${this.bits}`;
  }
}

/** Whether an address is in one of the ranges. */
export function isInRanges(
  address: string,
  ranges: readonly IpRange[],
): boolean {
  for (const range of ranges) if (range.contains(address)) return true;
  return false;
}

/**
 * The ranges of a list, a text with commas between them or an array; an empty text names none.
 *
 * @param name The option, for the error.
 * @throws What `fail` makes of a line that says what was expected.
 */
export function parseIpRanges(
  name: string,
  ranges: string | readonly string[],
  fail: (message: string) => Error,
): IpRange[] {
  return listOf(ranges).map((text) => {
    const range = IpRange.parse(text);
    if (range) return range;
    throw fail(
      `${name} takes addresses and ranges such as 127.0.0.1, 10.0.0.0/8 or ::1, got "${text}"`,
    );
  });
}
