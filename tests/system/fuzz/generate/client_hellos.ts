// The first records of a TLS client, and what is none.

import type { Random } from "../../../helpers/random.ts";
import { joined, utf8 } from "../../../box/support.ts";
import { box } from "./boxes.ts";

const VERSION = [3, 3];

/** A ClientHello, then records that nobody could have sent, or no TLS at all. */
export function clientHellos(random: Random): Uint8Array[] {
  if (random.next() < 0.1) return [box(random), utf8("GET / HTTP/1.1\r\n\r\n")];
  const hello = record(
    22,
    joined([Uint8Array.of(1), long(clientHello(random), 3)]),
  );
  const more = random.pick([[], [], [20], [21], [23, 23], [22], [99]])
    .map((type) => record(type, random.bytes(random.pick([1, 2, 40, 300]))));
  return [hello, ...more];
}

function clientHello(random: Random): Uint8Array {
  const name = utf8(
    random.pick(["localhost", "x.example", "", "\0", "n".repeat(300)]),
  );
  const extensions = [
    // server_name
    [0, long(joined([Uint8Array.of(0), long(name, 2)]), 2)],
    // supported_versions: 1.3, 1.2
    [43, Uint8Array.of(4, 3, 4, 3, 3)],
    // supported_groups: x25519, secp256r1
    [10, Uint8Array.of(0, 4, 0, 29, 0, 23)],
    // signature_algorithms
    [13, Uint8Array.of(0, 6, 4, 3, 8, 4, 4, 1)],
    // key_share: x25519
    [51, long(joined([Uint8Array.of(0, 29), long(random.bytes(32), 2)]), 2)],
    // ALPN
    [16, long(long(utf8("http/1.1"), 1), 2)],
  ] as const;
  const chosen = extensions.filter(() => random.next() < 0.85)
    .map(([type, body]) => joined([Uint8Array.of(0, type), long(body, 2)]));
  return joined([
    Uint8Array.from(VERSION),
    random.bytes(32),
    long(random.bytes(random.pick([0, 32])), 1),
    // TLS 1.3 and 1.2 suites
    long(Uint8Array.of(0x13, 1, 0x13, 2, 0x13, 3, 0xc0, 0x2b, 0xc0, 0x2f), 2),
    Uint8Array.of(1, 0),
    long(joined(chosen), 2),
  ]);
}

function record(type: number, body: Uint8Array): Uint8Array {
  return joined([Uint8Array.of(type, ...VERSION), long(body, 2)]);
}

// With its length before it.
function long(bytes: Uint8Array, lengthBytes: number): Uint8Array {
  const length = Array.from(
    { length: lengthBytes },
    (_, i) => bytes.length >> 8 * (lengthBytes - 1 - i) & 255,
  );
  return joined([Uint8Array.from(length), bytes]);
}
