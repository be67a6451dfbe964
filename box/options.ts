// The grammar of options, the same in all packages: the range of a number, names that were changed,
// and what is said about a value that does not fit.

/** What a number may be. */
export interface Range {
  /** The least. */
  readonly min: number;
  /** The largest. */
  readonly max: number;
  /** Whether it counts something, so that 1.5 is none. */
  readonly whole: boolean;
}

/** The largest signed 32-bit integer. */
export const MAX_INT32: number = 2 ** 31 - 1;

/** A timer that is told to wait longer fires at once. */
export const MAX_TIMER_SECONDS = 2_147_483;

/** A port to listen at; 0 is any free one. */
export const PORT: Range = { min: 0, max: 65535, whole: true };

/** A port of somebody else. */
export const PEER_PORT: Range = { min: 1, max: 65535, whole: true };

/** How many of something, at least one. */
export const COUNT: Range = { min: 1, max: MAX_INT32, whole: true };

/** Bytes, at least one. */
export const BYTES: Range = {
  min: 1,
  max: Number.MAX_SAFE_INTEGER,
  whole: true,
};

/** How many a second. */
export const RATE: Range = {
  min: 0,
  max: Number.MAX_SAFE_INTEGER,
  whole: false,
};

/** Seconds that a timer can wait; 0 = never or at once, as the option says. */
export const SECONDS: Range = { min: 0, max: MAX_TIMER_SECONDS, whole: false };

/** What a list names: a text with commas between them, or an array; an empty text names nothing. */
export function listOf(list: string | readonly string[]): string[] {
  const texts = typeof list === "string" ? list.split(",") : list;
  return texts.map((text) => text.trim()).filter((text) => text !== "");
}

function fits(value: unknown, { min, max, whole }: Range): boolean {
  return typeof value === "number" && value >= min && value <= max &&
    (!whole || Number.isInteger(value));
}

/**
 * Checks a number.
 *
 * @param what Begins the message: `Option timeout`.
 * @param fail Makes the package's error of it.
 */
export function checkNumber(
  what: string,
  value: unknown,
  range: Range,
  fail: (message: string) => Error,
): void {
  if (fits(value, range)) return;
  const { min, max, whole } = range;
  const kind = whole ? "a whole number" : "a number";
  throw fail(
    `${what} must be ${kind} from ${min} to ${max}, got ${shown(value)}`,
  );
}

/** A value in a message: a number that was read from JSON or a command line is often a string. */
export function shown(value: unknown): string {
  return typeof value === "string"
    ? `${JSON.stringify(value)} (a string)`
    : String(value);
}

/** Checks all options that are numbers. One that is undefined was left out, and has no default. */
export function checkNumbers<Name extends string>(
  options: Readonly<Record<NoInfer<Name>, unknown>>,
  ranges: Readonly<Record<Name, Range>>,
  fail: (message: string) => Error,
): void {
  for (const name of Object.keys(ranges) as Name[]) {
    if (options[name] === undefined) continue;
    checkNumber(`Option ${name}`, options[name], ranges[name], fail);
  }
}

/**
 * Refuses options under the names that they had before, which would be ignored otherwise.
 *
 * @param renamed The name of now for each name of before, with its unit where that has changed too.
 */
export function refuseRenamed(
  options: object,
  renamed: Readonly<Record<string, string>>,
  fail: (message: string) => Error,
): void {
  for (const [before, now] of Object.entries(renamed)) {
    if ((options as Record<string, unknown>)[before] === undefined) continue;
    throw fail(`Option ${before} is called ${now} now`);
  }
}

/** Checks an option that takes one of a few words. */
export function checkChoice(
  name: string,
  value: unknown,
  choices: readonly string[],
  fail: (message: string) => Error,
): void {
  if (choices.includes(value as string)) return;
  const list = choices.map((choice) => `"${choice}"`).join(" or ");
  throw fail(`Option ${name} must be ${list}, got "${value}"`);
}
