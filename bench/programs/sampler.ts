// What a long run tells of itself: memory and how late the event loop is, one JSON object a line.

import { LoopDelay } from "@maple/box/internal";

/** One line. */
export interface Sample {
  /** Memory of the process in bytes. */
  readonly rss: number;
  /** Memory of the JavaScript heap in bytes, what is free in it included. */
  readonly heap: number;
  /** Seconds that the event loop was late, at most, in the second before. */
  readonly loopDelay: number;
  /** Tasks that a gateway has handed out behind others of their client, so far. */
  readonly chained?: number;
}

/**
 * Prints a sample every so many seconds, for as long as the process lives.
 *
 * @param more What else is in it.
 */
export function startSampling(
  seconds: number,
  more: () => Partial<Sample> = () => ({}),
): void {
  const delay = new LoopDelay();
  delay.start();
  setInterval(() => {
    const { rss, heapTotal } = Deno.memoryUsage();
    const sample: Sample = {
      ...{ rss, heap: heapTotal, loopDelay: delay.seconds },
      ...more(),
    };
    console.log(JSON.stringify(sample));
  }, seconds * 1000);
}
