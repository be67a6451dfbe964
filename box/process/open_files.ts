// How many files and sockets the system lets this process have open, and how they are shared out.

// What a process of ours has open beside its clients' and workers' connections: Deno's own, the
// listeners, the log, the stat file, and whoever asks the metrics port.
const RESERVE = 128;
// The part of the rest that workers and triggers get at least, where there is not enough for all.
const INNER_SHARE = 1 / 4;

/** How many connections a server lets in. */
export interface Places {
  /** Clients. */
  readonly connsMax: number;
  /** Workers and triggers. */
  readonly innerConnsMax: number;
}

/**
 * How many files this process may have open; undefined where that is not known: on Linux without
 * the permission to read, and on other systems.
 */
export function openFilesMax(): number | undefined {
  return known ??= findOpenFilesMax();
}

// A program gives up later what it takes to find it.
let known: number | undefined;

function findOpenFilesMax(): number | undefined {
  const limits = readLimits();
  if (!limits) return undefined;
  return limits.soft < limits.hard ? raise(limits.hard) : limits.soft;
}

/** What of the places fits into so many open files. Some are kept for everything else. */
export function fitOpenFiles(
  { connsMax, innerConnsMax }: Places,
  filesMax: number,
): Places {
  const rest = Math.max(2, filesMax - Math.min(RESERVE, filesMax >> 1));
  const least = Math.min(innerConnsMax, Math.ceil(rest * INNER_SHARE));
  const conns = Math.min(connsMax, rest - least);
  return {
    connsMax: conns,
    innerConnsMax: Math.min(innerConnsMax, rest - conns),
  };
}

interface Limits {
  readonly soft: number;
  readonly hard: number;
}

function readLimits(): Limits | undefined {
  if (Deno.build.os !== "linux") return undefined;
  const path = "/proc/self/limits";
  try {
    // Reading without the permission would ask for it.
    const { state } = Deno.permissions.querySync({ name: "read", path });
    if (state !== "granted") return undefined;
    const match = /^Max open files\s+(\d+)\s+(\d+)/m
      .exec(Deno.readTextFileSync(path));
    return match
      ? { soft: Number(match[1]), hard: Number(match[2]) }
      : undefined;
  } catch {
    // A container without /proc.
    return undefined;
  }
}

// Deno itself raises the limit when it starts. Where it does not (an executable of another version)
// a program of the system does it, if we may run it.
function raise(hard: number): number {
  const { state } = Deno.permissions.querySync({
    name: "run",
    command: "prlimit",
  });
  if (state === "granted") {
    try {
      new Deno.Command("prlimit", {
        args: [`--pid=${Deno.pid}`, `--nofile=${hard}:${hard}`],
      }).outputSync();
    } catch {
      // It is not there.
    }
  }
  return readLimits()!.soft;
}
