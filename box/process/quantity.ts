// readQuantity(): sizes and times as people write them: 64KiB, 90s.

/** What a number counts, by which it may have a unit. */
export type Unit = "bytes" | "seconds";

// A unit of sizes with 1000 in it (kB, MB) is not taken: half of those who write it mean 1024.
const SIZES = { k: 2 ** 10, m: 2 ** 20, g: 2 ** 30, t: 2 ** 40 };
const SECONDS = { ms: 0.001, s: 1, m: 60, h: 3600, d: 86_400 };

/** What a message tells of the units. */
export const UNIT_EXAMPLES: Readonly<Record<Unit, string>> = {
  bytes: "64KiB, 1MiB, 2GiB",
  seconds: "500ms, 90s, 5m, 1h",
};

/**
 * Reads a number, which has a unit or none: then it is bytes or seconds.
 *
 * @returns NaN where it is none.
 */
export function readQuantity(text: string, unit: Unit): number {
  const plain = text.trim();
  if (plain === "") return NaN;
  const number = Number(plain);
  if (!Number.isNaN(number)) return number;
  return unit === "bytes" ? readBytes(plain) : readSeconds(plain);
}

function readBytes(text: string): number {
  const [, count, letter] = /^(\d+(?:\.\d+)?) ?([kmgt])(?:ib)?$/i.exec(text) ??
    [];
  if (count === undefined) return NaN;
  return Number(count) * SIZES[letter!.toLowerCase() as keyof typeof SIZES];
}

// Several add up, as in 1h30m. As whole milliseconds, so that 0.1 s and 0.2 s are 0.3.
function readSeconds(text: string): number {
  if (!/^(?:\d+(?:\.\d+)? ?(?:ms|[smhd]) ?)+$/i.test(text)) return NaN;
  let ms = 0;
  for (
    const [, count, name] of text.matchAll(/(\d+(?:\.\d+)?) ?(ms|[smhd])/gi)
  ) {
    const factor = SECONDS[name!.toLowerCase() as keyof typeof SECONDS];
    ms += Math.round(Number(count) * factor * 1000);
  }
  return ms / 1000;
}
