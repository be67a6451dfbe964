// What all parts of the example use to tell what happens, and to wait.

const started = performance.now();

/** Tells who does what. */
export function tell(who: string, what: string): void {
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.log(`${seconds.padStart(5)} s  ${who.padEnd(9)}${what}`);
}

/** Waits. */
export function pause(seconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, seconds * 1000));
}

/** Waits for what has no signal of its own; gives up, and says so, after 20 s. */
export async function until(what: string, so: () => boolean): Promise<void> {
  for (let i = 0; !so(); i++) {
    if (i === 1000) throw new Error(`${what}: not so within 20 s`);
    await pause(0.02);
  }
}
