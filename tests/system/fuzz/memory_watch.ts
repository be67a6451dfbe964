// MemoryWatch: whether the memory of processes grows without end, looked at when all is quiet.

// What was made at the first use, and a collector that has no reason to run, are no growth.
const LOOKS_MIN = 16;
const WARM_UP = 3;
const GROWTH_BYTES = 48 * 1024 * 1024;
// What slows down comes to its end: the last quarter must have grown by so much of the mean.
const LAST_SHARE = 0.7;

/** Whether the memory of processes grows without end. */
export class MemoryWatch {
  readonly #looks = new Map<string, number[]>();

  /** What each process takes now. */
  add(memory: Record<string, number>): void {
    for (const [name, bytes] of Object.entries(memory)) {
      const looks = this.#looks.get(name) ?? [];
      looks.push(bytes);
      this.#looks.set(name, looks);
    }
  }

  /** Those that took more from quarter to quarter, each in a line. */
  growth(): string[] {
    const grown: string[] = [];
    for (const [name, looks] of this.#looks) {
      if (looks.length < LOOKS_MIN) continue;
      const steady = looks.slice(WARM_UP);
      const least = Array.from(
        { length: 4 },
        (_, i) =>
          Math.min(...steady.slice(
            Math.floor(steady.length * i / 4),
            Math.floor(steady.length * (i + 1) / 4),
          )),
      );
      const rises = least.slice(1).map((bytes, i) => bytes - least[i]!);
      const total = least[3]! - least[0]!;
      if (total < GROWTH_BYTES || rises.some((rise) => rise <= 0)) continue;
      if (rises[2]! < LAST_SHARE * total / 3) continue;
      const mib = least.map((bytes) => Math.round(bytes / 2 ** 20)).join(", ");
      grown.push(
        `${name} takes more and more memory when all is quiet: ${mib} MiB`,
      );
    }
    return grown;
  }
}
