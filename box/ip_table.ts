// IpTable: something for each of many ranges of IP addresses, found by an address in a few steps,
// however many there are.

import { ipToBytes, parseIpv4 } from "./ip_address.ts";
import { readInt32 } from "./int32.ts";
import type { IpRange } from "./ip_range.ts";

/** Something for each of many ranges of IP addresses. */
export class IpTable<V> {
  // By how many bits count, then by these bits.
  readonly #ipv4 = new Map<number, Map<number, V>>();
  readonly #ipv6 = new Map<number, Map<bigint, V>>();
  #size = 0;

  /** How many ranges there are. */
  get size(): number {
    return this.#size;
  }

  /** Sets what a range stands for; what it stood for before is forgotten. */
  set({ ipv6, bits, bytes }: IpRange, value: V): void {
    const isNew = ipv6
      ? put(this.#ipv6, { bits, key: ipv6Key(bytes, bits), value })
      : put(this.#ipv4, {
        bits,
        key: ipv4Key(readInt32(bytes, 0), bits),
        value,
      });
    if (isNew) this.#size++;
  }

  /** Takes a range out; false where it was not there. */
  delete({ ipv6, bits, bytes }: IpRange): boolean {
    const was = ipv6
      ? take(this.#ipv6, bits, ipv6Key(bytes, bits))
      : take(this.#ipv4, bits, ipv4Key(readInt32(bytes, 0), bits));
    if (was) this.#size--;
    return was;
  }

  /**
   * What a range stands for that an address is in; the first that `fits`, where it is in several.
   */
  find(
    address: string,
    fits: (value: V) => boolean = () => true,
  ): V | undefined {
    if (this.#size === 0) return undefined;
    const ipv4 = parseIpv4(address);
    if (ipv4 !== undefined) return this.#findIpv4(ipv4, fits);
    const { bytes, ipv6 } = ipToBytes(address);
    if (!ipv6) return this.#findIpv4(readInt32(bytes, 0), fits);
    for (const [bits, values] of this.#ipv6) {
      const value = values.get(ipv6Key(bytes, bits));
      if (value !== undefined && fits(value)) return value;
    }
    return undefined;
  }

  #findIpv4(ipv4: number, fits: (value: V) => boolean): V | undefined {
    for (const [bits, values] of this.#ipv4) {
      const value = values.get(ipv4Key(ipv4, bits));
      if (value !== undefined && fits(value)) return value;
    }
    return undefined;
  }
}

/** A table of ranges that stand for nothing but themselves. */
export function ipTable(ranges: Iterable<IpRange>): IpTable<true> {
  const table = new IpTable<true>();
  for (const range of ranges) table.set(range, true);
  return table;
}

function put<K, V>(
  table: Map<number, Map<K, V>>,
  { bits, key, value }: { bits: number; key: K; value: V },
): boolean {
  let values = table.get(bits);
  if (!values) table.set(bits, values = new Map());
  const isNew = !values.has(key);
  values.set(key, value);
  return isNew;
}

function take<K, V>(
  table: Map<number, Map<K, V>>,
  bits: number,
  key: K,
): boolean {
  const values = table.get(bits);
  const was = values?.delete(key) ?? false;
  if (was && values!.size === 0) table.delete(bits);
  return was;
}

// A shift by 32 would be one by 0.
function ipv4Key(ipv4: number, bits: number): number {
  return bits === 0 ? 0 : ipv4 & (-1 << (32 - bits));
}

function ipv6Key(bytes: Uint8Array, bits: number): bigint {
  const view = new DataView(bytes.buffer, bytes.byteOffset, 16);
  const all = view.getBigUint64(0) << 64n | view.getBigUint64(8);
  return all >> BigInt(128 - bits);
}
