// LogStorm: lets the first few of many messages that are alike through, and counts the rest: one
// line a second.

import type { LogFields } from "./log_line.ts";

/** The levels at which storms are counted. */
export type StormLevel = "WARN" | "ERROR";

/** Writes a line. */
export type WriteLine = (
  level: StormLevel,
  message: string,
  fields: LogFields | undefined,
) => void;

/** Messages that are alike. */
interface Alike {
  readonly level: StormLevel;
  since: number;
  seen: number;
  storm: boolean;
  hidden: number;
  last: string;
  fields: LogFields | undefined;
}

/** How many messages that are alike are written within a second. */
export const STORM_LIMIT = 5;
const SECOND_MS = 1000;
// So many different messages in one second are a storm as well, whatever they say.
const MAX_KINDS = 256;
const SHAPE_LENGTH = 300;
// IPv6 addresses, UUIDs, hexadecimal and decimal numbers, IPv4 addresses.
const NUMBERS =
  /(?:[\da-f]*:){2,}[\da-f.]*|[\da-f]{8}-[\da-f-]{27}|0x[\da-f]+|\d+(?:\.\d+)*/gi;

/**
 * Counts messages that come too often: those of one level and one shape, which is the message
 * without its numbers and addresses. It keeps no timer but during a storm, and that one does not
 * keep the program alive.
 */
export class LogStorm {
  readonly #write: WriteLine;
  readonly #kinds = new Map<string, Alike>();
  #timer: ReturnType<typeof setInterval> | undefined;
  readonly #onUnload = (): void => this.flush();

  /** @param write Where the lines go. */
  constructor(write: WriteLine) {
    this.#write = write;
  }

  /** Writes a message, or counts it. */
  log(level: StormLevel, message: string, fields?: LogFields): void {
    const now = Date.now();
    const alike = this.#alike(level, message, now);
    if (alike.seen++ < STORM_LIMIT) {
      this.#write(level, message, fields);
      return;
    }
    alike.storm = true;
    alike.hidden++;
    alike.last = message;
    alike.fields = fields;
    if (this.#timer === undefined) this.#start();
  }

  /** Writes what was counted and forgets it. */
  flush(): void {
    this.#stop();
    const kinds = [...this.#kinds.values()];
    this.#kinds.clear();
    for (const alike of kinds) this.#tell(alike);
  }

  #alike(level: StormLevel, message: string, now: number): Alike {
    let shape = level +
      message.slice(0, SHAPE_LENGTH).replaceAll(NUMBERS, "#");
    const known = this.#kinds.get(shape);
    if (known) {
      if (!known.storm && now - known.since >= SECOND_MS) {
        known.since = now;
        known.seen = 0;
      }
      return known;
    }
    if (this.#kinds.size >= MAX_KINDS) {
      this.#forgetCalm(now);
      if (this.#kinds.size >= MAX_KINDS) shape = level;
    }
    const alike = this.#kinds.get(shape) ??
      {
        ...{ level, since: now, seen: 0, storm: false, hidden: 0 },
        ...{ last: "", fields: undefined },
      };
    this.#kinds.set(shape, alike);
    return alike;
  }

  #forgetCalm(now: number): void {
    for (const [shape, { storm, since }] of this.#kinds) {
      if (!storm && now - since >= SECOND_MS) this.#kinds.delete(shape);
    }
  }

  #start(): void {
    this.#timer = setInterval(() => this.#tick(), SECOND_MS);
    Deno.unrefTimer(this.#timer);
    addEventListener("unload", this.#onUnload);
  }

  #stop(): void {
    if (this.#timer === undefined) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
    removeEventListener("unload", this.#onUnload);
  }

  #tick(): void {
    let storms = 0;
    for (const [shape, alike] of this.#kinds) {
      if (!alike.storm) continue;
      // As long as more come in a second than are let through, all of them are counted.
      if (alike.hidden > STORM_LIMIT) storms++;
      else this.#kinds.delete(shape);
      this.#tell(alike);
      alike.hidden = 0;
    }
    if (storms === 0) this.#stop();
  }

  #tell({ level, hidden, last, fields }: Alike): void {
    if (hidden === 0) return;
    const more = hidden - 1;
    this.#write(
      level,
      more === 0
        ? last
        : `${last} (and ${more} more like it in the last second)`,
      fields,
    );
  }
}
