// How the viewer writes numbers, durations and histories.

/** What stands for a value that is not known. */
export const UNKNOWN = "-";

const BARS = "▁▂▃▄▅▆▇█";

/** A count: `999`, `12,345`, `12.3 M`. */
export function formatCount(value: number): string {
  if (value < 1e6) return Math.round(value).toLocaleString("en-US");
  const [unit, divisor] = value < 1e9
    ? ["M", 1e6]
    : value < 1e12
    ? ["G", 1e9]
    : ["T", 1e12];
  return `${threeDigits(value / (divisor as number))} ${unit}`;
}

/** A rate: with a digit after the point below ten, `0.3`. */
export function formatRate(value: number | null): string {
  if (value === null) return UNKNOWN;
  return value > 0 && value < 9.95 ? value.toFixed(1) : formatCount(value);
}

/** Bytes: `512 B`, `1.20 kB`, `93.1 MB`. */
export function formatBytes(value: number): string {
  if (value < 1000) return `${Math.round(value)} B`;
  for (const unit of ["kB", "MB", "GB"]) {
    value /= 1000;
    if (value < 999.5) return `${threeDigits(value)} ${unit}`;
  }
  return `${threeDigits(value / 1000)} TB`;
}

/**
 * Seconds: `0.12 ms`, `34 ms`, `1.2 s`.
 *
 * @param value Two digits are shown, since most are estimates.
 */
export function formatSeconds(value: number | null): string {
  if (value === null) return UNKNOWN;
  if (value === 0) return "0 ms";
  if (value < 0.000005) return "<0.01 ms";
  if (value < 0.9995) return `${twoDigits(value * 1000)} ms`;
  return value < 600 ? `${twoDigits(value)} s` : formatAge(value);
}

/**
 * An estimate from a histogram: as {@linkcode formatSeconds}, but `<0.10 ms` in the first bucket
 * and `>60 s` beyond the last bound, where there is nothing to estimate by.
 *
 * @param bounds Upper bounds of the buckets.
 */
export function formatQuantile(
  value: number | null,
  bounds: readonly number[],
): string {
  const [first, last] = [bounds[0], bounds.at(-1)];
  if (value === null || first === undefined || last === undefined) {
    return UNKNOWN;
  }
  if (value <= first) return `<${formatSeconds(first)}`;
  return value < last ? formatSeconds(value) : `>${formatSeconds(last)}`;
}

/** A long time: `3 s`, `2 min 5 s`, `7 h 1 min`, `12 d 3 h`. */
export function formatAge(seconds: number): string {
  const whole = Math.floor(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 1440) {
    return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
  }
  const hours = Math.floor(minutes / 60);
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/**
 * A history in one line of bars, the highest as high as the largest value; a blank where a value is
 * not known.
 *
 * @param width Characters; a shorter history stands at the right.
 */
export function sparkline(
  values: readonly (number | null)[],
  width: number,
): string {
  const last = values.slice(-width);
  const max = Math.max(0, ...last.map((value) => value ?? 0));
  const bars = last.map((value) => {
    if (value === null) return " ";
    const step = max > 0 ? Math.round(value / max * (BARS.length - 1)) : 0;
    return BARS[step]!;
  });
  return bars.join("").padStart(width);
}

/** Text of a peer as it may stand in a terminal: without what would steer it. */
export function printable(text: string): string {
  return text.replaceAll(/[\p{C}\p{Zl}\p{Zp}]/gu, "?");
}

function twoDigits(value: number): string {
  return value < 0.995
    ? value.toFixed(2)
    : value < 9.95
    ? value.toFixed(1)
    : value.toFixed(0);
}

function threeDigits(value: number): string {
  return value < 9.995
    ? value.toFixed(2)
    : value < 99.95
    ? value.toFixed(1)
    : value.toFixed(0);
}
