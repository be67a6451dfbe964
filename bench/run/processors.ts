// Processors: what the machine's processors did in a while.

/** What the processors have done since the machine was started, in clock ticks, all together. */
export interface ProcessorTimes {
  /** Worked. */
  readonly busy: number;
  /** Had nothing to do. */
  readonly idle: number;
  /** Were lent to other machines on the same hardware. */
  readonly stolen: number;
}

/** Reads the times. */
export async function processorTimes(): Promise<ProcessorTimes> {
  return parseTimes(await Deno.readTextFile("/proc/stat"));
}

/** The times in the text of /proc/stat; see proc(5). */
export function parseTimes(text: string): ProcessorTimes {
  const line = text.slice(0, text.indexOf("\n"));
  const [user, nice, system, idle, ioWait, irq, softIrq, stolen] = line.trim()
    .split(/\s+/).slice(1).map(Number);
  return {
    busy: user! + nice! + system! + irq! + softIrq!,
    idle: idle! + ioWait!,
    stolen: stolen!,
  };
}

/**
 * The share of the processors' time from `a` to `b`, without what was stolen, in which they worked.
 */
export function busyShare(a: ProcessorTimes, b: ProcessorTimes): number {
  const busy = b.busy - a.busy;
  return busy / Math.max(1, busy + b.idle - a.idle);
}

/** The share of the processors' time from `a` to `b` that other machines had. */
export function stolenShare(a: ProcessorTimes, b: ProcessorTimes): number {
  const stolen = b.stolen - a.stolen;
  return stolen / Math.max(1, stolen + b.busy - a.busy + b.idle - a.idle);
}
