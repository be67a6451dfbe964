// Headers of the PROXY protocol, version 1 and 2, and boxes behind them.

import type { Random } from "../../../helpers/random.ts";
import { joined, utf8 } from "../../../box/support.ts";
import { boxes } from "./boxes.ts";

const SIGNATURE = [13, 10, 13, 10, 0, 13, 10, 81, 85, 73, 84, 10];
const IPS = [
  "192.0.2.1",
  "::1",
  "2001:db8::7",
  "256.1.1.1",
  "1.2.3",
  "::ffff:1.2.3.4",
  "x",
];
const HEADER_BYTES = 16;

/** Where version 2 has its length, as the low half of an int32. */
export const PROXY_LENGTH_AT = 12;

/** A header, then boxes. */
export function proxied(random: Random): Uint8Array[] {
  const header = random.next() < 0.4 ? versionOne(random) : versionTwo(random);
  return [header, ...boxes(random)];
}

function versionOne(random: Random): Uint8Array {
  const [source, target] = [random.pick(IPS), random.pick(IPS)];
  const [from, to] = [0, 0].map(() =>
    random.pick([0, 1, 443, 65_535, 65_536, 99_999])
  );
  return utf8(random.pick([
    `PROXY TCP4 192.0.2.1 192.0.2.2 ${from} ${to}\r\n`,
    `PROXY TCP6 2001:db8::1 ::1 ${from} ${to}\r\n`,
    `PROXY TCP4 ${source} ${target} ${from} ${to}\r\n`,
    "PROXY UNKNOWN\r\n",
    `PROXY UNKNOWN ${"x".repeat(random.between(0, 120))}\r\n`,
    `PROXY TCP4 192.0.2.1 192.0.2.2 ${from} ${to}\n`,
  ]));
}

function versionTwo(random: Random): Uint8Array {
  const family = random.pick([0x11, 0x11, 0x21, 0x31, 0x12, 0x00, 0xff]);
  const addresses = random.bytes(
    ({ 0x11: 12, 0x12: 12, 0x21: 36, 0x31: 216 } as Record<number, number>)[
      family
    ] ?? 0,
  );
  // A TLV of each length, some that end beyond the header's end.
  const tlvs = random.next() < 0.4
    ? joined([
      Uint8Array.of(random.between(0, 255), 0, random.between(0, 30)),
      random.bytes(random.between(0, 30)),
    ])
    : new Uint8Array(0);
  const length = addresses.length + tlvs.length;
  const head = new Uint8Array(HEADER_BYTES);
  head.set(SIGNATURE);
  head[12] = random.pick([0x21, 0x21, 0x21, 0x20, 0x11, 0x2f]);
  head[13] = family;
  head[14] = length >> 8;
  head[15] = length;
  return joined([head, addresses, tlvs]);
}
