// CapturedState: what a gateway writes for the one that takes its place, taken apart.

import { assert } from "@std/assert";
import type { Gateway } from "@maple/gateway";
import { Passing, RecordReader } from "@maple/box/internal";
import type { StateHeader } from "../../../gateway/handover/format.ts";
import type { EarlyClientCopy } from "../../../gateway/handover/early_copy.ts";
import type { Handover } from "../../../gateway/handover/handover.ts";
import type { StateReader } from "../../../gateway/handover/read_state.ts";

/** The handover of a gateway. */
export function handoverOf(gateway: Gateway): Handover {
  return gateway.handover as Handover;
}

/** What a gateway writes for the one that takes its place. */
export class CapturedState implements Disposable {
  /** The calls. */
  readonly passing = Passing.open();

  private constructor(
    /** The bytes. */
    readonly bytes: Uint8Array<ArrayBuffer>,
    /** The descriptors, which belong to this object. */
    readonly descriptors: readonly number[],
  ) {}

  /** What a gateway holds; it keeps it. */
  static of(gateway: Gateway): CapturedState {
    using passing = Passing.open();
    const parts: Uint8Array[] = [];
    const descriptors: number[] = [];
    handoverOf(gateway).write({
      bytes: (bytes) => parts.push(bytes.slice()),
      descriptors: (given) =>
        descriptors.push(...given.map((one) => passing.copyOf(one))),
    });
    return new CapturedState(joined(parts), descriptors);
  }

  /** What a gateway gives early; it is to be ended. */
  static early(copy: EarlyClientCopy): CapturedState {
    using passing = Passing.open();
    const parts: Uint8Array[] = [];
    const descriptors: number[] = [];
    let hasMore = true;
    while (hasMore) {
      hasMore = copy.writeSome({
        bytes: (bytes) => parts.push(bytes.slice()),
        descriptors: (given) =>
          descriptors.push(...given.map((one) => passing.copyOf(one))),
      });
    }
    return new CapturedState(joined(parts), descriptors);
  }

  /** What stands in a file; the descriptors are of sockets that nobody is behind. */
  static fromFile(path: string): CapturedState {
    using passing = Passing.open();
    const bytes = Deno.readFileSync(path);
    const { header, records } = taken(bytes, 0);
    const count = header.listeners.length +
      records.filter(({ values }) => "descriptor" in values).length;
    const descriptors = Array.from({ length: count }, () => {
      const [near, far] = passing.pair();
      passing.close(far);
      return near;
    });
    return new CapturedState(bytes, descriptors);
  }

  /**
   * Puts it into a gateway that holds nothing; `step` bytes come at a time.
   *
   * @returns What has read it; what it gives is to be released in the same turn.
   */
  putInto(
    gateway: Gateway,
    step = Infinity,
    early?: CapturedState,
  ): StateReader {
    const reader = handoverOf(gateway).reader();
    if (early) {
      reader.early.descriptors(early.descriptors);
      for (let at = 0; at < early.bytes.length; at += step) {
        reader.early.bytes(early.bytes.subarray(at, at + step));
      }
      reader.early.end();
    }
    reader.descriptors(this.descriptors);
    try {
      for (let at = 0; at < this.bytes.length; at += step) {
        reader.bytes(this.bytes.subarray(at, at + step));
      }
      reader.end();
    } catch (error) {
      reader.release();
      throw error;
    }
    return reader;
  }

  /**
   * All of it, as far as it must be the same for two gateways of which one has taken the place of
   * the other.
   *
   * @param shift By how much times are later here.
   */
  toJSON(shift: number): Record<string, unknown> {
    const { header, records } = taken(this.bytes, -shift);
    const { parts, tag, settings, needs, layouts } = header;
    const listeners = header.listeners.length;
    const time = (value: number | null) =>
      value === null ? null : Math.round((value - shift) * 10) / 10;
    const { dispatcher, limits, process: _, handovers: __, ...rest } = parts;
    return {
      ...{ tag, settings, needs, layouts, ...rest },
      dispatcher: {
        ...dispatcher,
        asking: {
          ...dispatcher.asking,
          servedAt: time(dispatcher.asking.servedAt),
        },
        quarantine: {
          ...dispatcher.quarantine,
          lostAt: time(dispatcher.quarantine.lostAt),
        },
        chains: dispatcher.chains && {
          ...dispatcher.chains,
          loneAt: time(dispatcher.chains.loneAt),
        },
      },
      limits: {
        ...limits,
        known: limits.known.map((one) => ({
          ...one,
          levelAt: time(one.levelAt),
          // Counted anew as they are let in.
          conns: null,
        })),
        bans: limits.bans.map(({ address, seconds }) => ({
          address,
          seconds: Math.round(seconds / 10),
        })),
      },
      // A handshake is gone on with when all begins.
      records: records.filter(({ kind }) => kind !== "handshake").map((
        { kind, values },
      ) => {
        const layout = header.layouts[kind]!;
        const told = layout.map(([name, how]) => {
          const value = values[name];
          if (value instanceof Uint8Array) return [name, shortOf(value)];
          if (name === "descriptor") return [name, Number(value) - listeners];
          if (how !== "time") return [name, value];
          return [name, Math.round(Number(value) * 10) / 10];
        });
        return [kind, Object.fromEntries(told)];
      }),
    };
  }

  /** Closes the descriptors. */
  [Symbol.dispose](): void {
    for (const one of this.descriptors) this.passing.close(one);
    this.passing[Symbol.dispose]();
  }
}

/** The header and the records of a state; of bytes copies. */
export function taken(bytes: Uint8Array, shift: number) {
  const end = 4 + new DataView(bytes.buffer).getUint32(0, true);
  const header: StateHeader = JSON.parse(
    new TextDecoder().decode(bytes.subarray(4, end)),
  );
  const reader = new RecordReader(header.layouts, shift);
  reader.push(bytes.subarray(end));
  const records: { kind: string; values: Record<string, unknown> }[] = [];
  for (let record; (record = reader.next());) records.push(record);
  assert(reader.isEmpty);
  return { header, records };
}

function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(parts.reduce((sum, one) => sum + one.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

// What is long would take long to be shown.
function shortOf(bytes: Uint8Array): string {
  if (bytes.length < 1000) return [...bytes].join(" ");
  let sum = 7;
  for (const byte of bytes) sum = (Math.imul(sum, 31) + byte) | 0;
  return `${bytes.length} bytes, ${sum}`;
}
