// How the dashboard writes numbers. Runs in the browser.

/** How numbers are written. */
export interface DashboardFormat {
  /** `12`, `9,876`, `1.23 M`. */
  count(value: number): string;
  /** `0.4`, `12`, `9,876`: for numbers that are rarely whole. */
  rate(value: number): string;
  /** A short time: `0`, `230 µs`, `1.5 ms`, `2.3 s`. */
  seconds(value: number): string;
  /** A long time: `12 s`, `3 min`, `2 h 5 min`, `4 d 3 h`. */
  span(seconds: number): string;
  /** `512 B`, `1.5 MB`; 1 MB = 1,000,000 bytes. */
  bytes(value: number): string;
  /** The time of day, as the reader's settings have it. */
  clock(time: number): string;
}

/** Makes {@linkcode DashboardFormat}. */
export function dashboardFormat(): DashboardFormat {
  const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
  const short = new Intl.NumberFormat("en", { maximumSignificantDigits: 3 });

  function scaled(value: number, units: readonly string[]): string {
    let unit = 0;
    while (Math.abs(value) >= 999.5 && unit < units.length - 1) {
      value /= 1000;
      unit++;
    }
    return `${short.format(value)} ${units[unit]}`.trim();
  }

  return {
    count: (value) =>
      value < 1e6 ? whole.format(value) : scaled(value / 1e6, ["M", "G", "T"]),
    rate: (value) =>
      value < 100
        ? short.format(value)
        : value < 1e6
        ? whole.format(value)
        : scaled(value / 1e6, ["M", "G"]),
    seconds: (value) =>
      value === 0
        ? "0"
        : value < 0.9995
        ? scaled(Math.round(value * 1e6), ["µs", "ms"])
        : `${short.format(value)} s`,
    span: (seconds) => {
      const s = Math.floor(seconds);
      const [minutes, hours, days] = [60, 3600, 86400].map((one) =>
        Math.floor(s / one)
      ) as [number, number, number];
      return s < 60
        ? `${s} s`
        : s < 3600
        ? `${minutes} min`
        : s < 86400
        ? `${hours} h ${minutes % 60} min`
        : `${days} d ${hours % 24} h`;
    },
    bytes: (value) => scaled(value, ["B", "kB", "MB", "GB", "TB", "PB"]),
    clock: (time) => new Date(time).toLocaleTimeString(),
  };
}
