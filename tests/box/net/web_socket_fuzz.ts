// Spoiled frames of WebSocket clients, and a decoder that is slow and plain to hold ours against.

import type { Random } from "../../helpers/random.ts";
import { joined, toHex } from "../support.ts";

/** What a decoder makes of bytes. */
export interface Decoded {
  /** The payload of all messages, a character a byte. */
  readonly data: string;
  /** Control frames as they were told. */
  readonly events: readonly string[];
  /** The code of the fault, if one was found. */
  readonly fault: number | undefined;
}

/** Bytes as text, a character a byte: two are compared at once. */
export function textOf(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes);
}

// Those that come often, so that more than the first frame is reached.
const OPCODES = [2, 2, 2, 2, 0, 0, 9, 10, 8];

/** So many frames of a client, some of them spoiled in a bit or more. */
export function randomFrames(random: Random, count: number): Uint8Array {
  const frames = Array.from({ length: count }, () => randomFrame(random));
  const bytes = joined(frames);
  if (random.next() < 0.5) return bytes;
  for (let i = random.between(1, 3); i > 0; i--) {
    bytes[random.between(0, bytes.length - 1)]! ^= 1 << random.between(0, 7);
  }
  return random.next() < 0.8
    ? bytes
    : bytes.slice(0, random.between(1, bytes.length));
}

function randomFrame(random: Random): Uint8Array {
  const opcode = random.next() < 0.9
    ? random.pick(OPCODES)
    : random.between(0, 15);
  const fin = opcode >= 8 || random.next() < 0.6;
  const length = random.pick([
    0,
    1,
    2,
    5,
    125,
    126,
    127,
    random.between(0, 300),
  ]);
  const payload = random.bytes(opcode >= 8 ? Math.min(length, 125) : length);
  if (opcode === 8 && payload.length >= 2) {
    payload[0] = 3;
    payload[1] = random.between(0xe0, 0xff);
    payload.fill(97, 2);
    if (random.next() < 0.2) payload[payload.length - 1] = 0xc3;
  }
  return maskedFrame(random, { opcode, fin, payload });
}

/** A frame of a client, masked by chance. */
export function maskedFrame(
  random: Random,
  { opcode, fin, payload }: {
    opcode: number;
    fin: boolean;
    payload: Uint8Array;
  },
): Uint8Array {
  const { length } = payload;
  const short = length < 126 ? length : length < 2 ** 16 ? 126 : 127;
  const long = new DataView(new ArrayBuffer(8));
  long.setBigUint64(0, BigInt(length));
  const mask = random.bytes(4);
  return joined([
    Uint8Array.of((fin ? 0x80 : 0) | opcode, 0x80 | short),
    new Uint8Array(long.buffer).slice(short < 126 ? 8 : short === 126 ? 6 : 0),
    mask,
    payload.map((byte, i) => byte ^ mask[i % 4]!),
  ]);
}

/** RFC 6455, section 5, as it is read: one whole text of bytes, no state but what it says. */
export function plainDecode(bytes: Uint8Array): Decoded {
  const data: Uint8Array[] = [];
  const events: string[] = [];
  let open = false;
  let at = 0;
  const result = (fault?: number): Decoded => ({
    data: textOf(joined(data)),
    events,
    fault,
  });
  for (;;) {
    if (bytes.length - at < 2) return result();
    const first = bytes[at]!;
    const second = bytes[at + 1]!;
    const opcode = first & 15;
    const fin = first >= 0x80;
    const short = second & 127;
    if ((first & 0x70) !== 0 || second < 0x80) return result(1002);
    if (![0, 1, 2, 8, 9, 10].includes(opcode)) return result(1002);
    const isControl = opcode >= 8;
    if (isControl && (!fin || short > 125)) return result(1002);
    if (opcode === 0 && !open) return result(1002);
    if ((opcode === 1 || opcode === 2) && open) return result(1002);
    if (opcode === 1) return result(1003);
    const size = short === 126 ? 4 : short === 127 ? 10 : 2;
    if (bytes.length - at < size + 4) return result();
    let length = BigInt(short);
    if (short >= 126) {
      length = BigInt(`0x${toHex(bytes.slice(at + 2, at + size))}`);
      const least = short === 126 ? 126n : 65536n;
      if (length < least || length >= 2n ** 53n) return result(1002);
    }
    const mask = bytes.slice(at + size, at + size + 4);
    at += size + 4;
    const payload = bytes.slice(at, at + Math.min(Number(length), bytes.length))
      .map((byte, i) => byte ^ mask[i % 4]!);
    at += payload.length;
    if (!isControl) {
      data.push(payload);
      open = !fin;
    }
    if (payload.length < length) return result();
    if (opcode === 9) events.push(`ping ${textOf(payload)}`);
    if (opcode === 10) events.push("pong");
    if (opcode === 8) {
      if (payload.length === 0) {
        events.push("close 1005 ");
        return result();
      }
      if (payload.length === 1) return result(1002);
      const code = payload[0]! * 256 + payload[1]!;
      const isGood = code >= 3000 && code < 5000 ||
        [1000, 1001, 1002, 1003].includes(code) || code >= 1007 && code <= 1014;
      if (!isGood) return result(1002);
      try {
        const decoder = new TextDecoder("utf-8", { fatal: true });
        events.push(`close ${code} ${decoder.decode(payload.slice(2))}`);
        return result();
      } catch {
        return result(1007);
      }
    }
  }
}
