// How much memory there is for this program.

// What is taken where it cannot be found out.
const UNKNOWN_BYTES = 1024 ** 3;
// What a container may have, in both versions of control groups.
const CONTAINER_FILES = [
  "/sys/fs/cgroup/memory.max",
  "/sys/fs/cgroup/memory/memory.limit_in_bytes",
];

/**
 * Bytes of memory of the machine, or of the container where it may have less. Where the program may
 * not know (`--allow-sys=systemMemoryInfo`) it is 1 GiB.
 */
export function machineMemory(): number {
  const limits = CONTAINER_FILES.map(readLimit);
  return Math.min(systemMemory(), ...limits);
}

function systemMemory(): number {
  const { state } = Deno.permissions.querySync({
    name: "sys",
    kind: "systemMemoryInfo",
  });
  return state === "granted" ? Deno.systemMemoryInfo().total : UNKNOWN_BYTES;
}

function readLimit(path: string): number {
  const { state } = Deno.permissions.querySync({ name: "read", path });
  if (state !== "granted") return Infinity;
  try {
    const bytes = Number(Deno.readTextFileSync(path));
    return bytes > 0 ? bytes : Infinity;
  } catch {
    // No container, another system.
    return Infinity;
  }
}
