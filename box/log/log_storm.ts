// LogStorm: lets the first few of many messages through that are alike or come from one place in
// the code, and counts the rest: one line a second.

import { callPlace } from "./call_place.ts";
import type { LogFields } from "./log_line.ts";

/** The levels at which storms are counted. */
export type StormLevel = "WARN" | "ERROR";

/** Writes a line. */
export type WriteLine = (
  level: StormLevel,
  message: string,
  fields: LogFields | undefined,
) => void;

/** How many messages that are alike are written within a second. */
export const STORM_LIMIT = 5;
/** How many lines one place in the code writes within a second, whatever they say. */
export const PLACE_LIMIT = 30;

// What the limit of a place is made of: so many lines a second are written before anybody asks
// where they come from, since that takes time;
const CALM_LINES = 12;
// so many more from one place;
const PLACE_LINES = 12;
// and so many that tell of messages that are alike, besides one of all the others.
const TOLD_LINES = PLACE_LIMIT - CALM_LINES - PLACE_LINES - 1;

const SECOND_MS = 1000;
// Different messages that are remembered; more have only the limit of their place.
const MAX_KINDS = 256;
const SHAPE_LENGTH = 300;
// IPv6 addresses, UUIDs, hexadecimal numbers, bytes and decimal numbers, IPv4 addresses.
const NUMBERS =
  /(?:[\da-f]*:){2,}[\da-f.]*|[\da-f]{8}-[\da-f-]{27}|0x[\da-f]+|\b[\da-f]{2}(?: [\da-f]{2})+\b|\d+(?:\.\d+)*/gi;

/** What messages have in common, and how many there are. */
class Kind {
  since: number;
  seen = 0;
  storm = false;
  hidden = 0;
  level: StormLevel = "WARN";
  last = "";
  fields: LogFields | undefined;
  /** Where such messages come from; known when there are too many. */
  place: Kind | undefined;

  constructor(now: number) {
    this.since = now;
  }

  /** Whether one more may be written now. */
  takes(now: number, limit: number): boolean {
    if (!this.storm && now - this.since >= SECOND_MS) {
      this.since = now;
      this.seen = 0;
    }
    return this.seen++ < limit;
  }

  hide(count: number, what: Pick<Kind, "level" | "last" | "fields">): void {
    this.storm = true;
    this.hidden += count;
    this.level = what.level;
    this.last = what.last;
    this.fields = what.fields;
  }
}

/**
 * Counts messages that come too often: those of one level and one shape, which is the message
 * without its numbers and addresses, and those of one place in the code. It keeps no timer but
 * during a storm, and that one does not keep the program alive.
 */
export class LogStorm {
  readonly #write: WriteLine;
  readonly #shapes = new Map<string, Kind>();
  readonly #places = new Map<string, Kind>();
  #calm = new Kind(0);
  #placeStorms = 0;
  #forgotAt = 0;
  #timer: ReturnType<typeof setInterval> | undefined;
  readonly #onUnload = (): void => this.flush();

  /** @param write Where the lines go. */
  constructor(write: WriteLine) {
    this.#write = write;
  }

  /**
   * Writes a message, or counts it.
   *
   * @param callee The function that was called by the place in the code that the message is of.
   */
  log(
    level: StormLevel,
    message: string,
    fields?: LogFields,
    callee: (...args: never[]) => unknown = this.log,
  ): void {
    const now = Date.now();
    const what = { level, last: message, fields };
    const alike = this.#alike(level, message, now);
    if (alike && !alike.takes(now, STORM_LIMIT)) {
      alike.place ??= this.#place(callee, now);
      this.#hide(alike, what);
      return;
    }
    if (this.#placeStorms > 0 || !this.#calm.takes(now, CALM_LINES)) {
      const place = this.#place(callee, now);
      if (!place.takes(now, PLACE_LINES)) {
        if (!place.storm) this.#placeStorms++;
        this.#hide(place, what);
        return;
      }
    }
    this.#write(level, message, fields);
  }

  /** Writes what was counted and forgets it. */
  flush(): void {
    this.#stop();
    this.#tell();
    this.#shapes.clear();
    this.#places.clear();
    this.#placeStorms = 0;
    this.#calm = new Kind(0);
  }

  #alike(level: StormLevel, message: string, now: number): Kind | undefined {
    const shape = level +
      message.slice(0, SHAPE_LENGTH).replaceAll(NUMBERS, "#");
    let alike = this.#shapes.get(shape);
    if (alike) return alike;
    if (this.#shapes.size >= MAX_KINDS) this.#forgetCalm(now);
    if (this.#shapes.size >= MAX_KINDS) return undefined;
    alike = new Kind(now);
    this.#shapes.set(shape, alike);
    return alike;
  }

  #place(callee: (...args: never[]) => unknown, now: number): Kind {
    const key = callPlace(callee);
    let place = this.#places.get(key);
    if (!place) this.#places.set(key, place = new Kind(now));
    return place;
  }

  #hide(kind: Kind, what: Pick<Kind, "level" | "last" | "fields">): void {
    kind.hide(1, what);
    if (this.#timer === undefined) this.#start();
  }

  #forgetCalm(now: number): void {
    if (now - this.#forgotAt < SECOND_MS) return;
    this.#forgotAt = now;
    for (const [shape, { storm, since }] of this.#shapes) {
      if (!storm && now - since >= SECOND_MS) this.#shapes.delete(shape);
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
    this.#tell();
    this.#placeStorms = this.#goOn(this.#places, PLACE_LINES);
    if (this.#goOn(this.#shapes, STORM_LIMIT) + this.#placeStorms === 0) {
      this.#stop();
    }
  }

  // As long as more come in a second than are let through, all of them are counted. Answers how
  // many storms there are.
  #goOn(kinds: Map<string, Kind>, limit: number): number {
    let storms = 0;
    for (const [key, kind] of kinds) {
      if (!kind.storm) continue;
      if (kind.hidden > limit) storms++;
      else kinds.delete(key);
      kind.hidden = 0;
    }
    return storms;
  }

  #tell(): void {
    const told = new Map<Kind, number>();
    for (const alike of this.#shapes.values()) {
      const { place, hidden } = alike;
      if (hidden === 0 || !place) continue;
      const before = told.get(place) ?? 0;
      told.set(place, before + 1);
      if (before < TOLD_LINES) this.#tellOne(alike, "like it");
      else place.hide(hidden, alike);
    }
    for (const place of this.#places.values()) {
      if (place.hidden > 0) this.#tellOne(place, "from the same place");
    }
  }

  #tellOne({ level, hidden, last, fields }: Kind, what: string): void {
    const more = hidden - 1;
    this.#write(
      level,
      more === 0
        ? last
        : `${last} (and ${more} more ${what} in the last second)`,
      fields,
    );
  }
}
