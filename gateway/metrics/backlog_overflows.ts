// BacklogOverflows: how many connections the system did not hold until they could be accepted.

const NETSTAT = "/proc/net/netstat";
// Larger than it will be; what stands behind that is not looked at.
const NETSTAT_BYTES = 64 * 1024;

/**
 * Counts while it runs. The system counts for all listeners of a machine, or a container, together;
 * a listener of its own it does not tell of. Only Linux tells, and only a program that may do all;
 * elsewhere the count stays 0.
 */
export class BacklogOverflows {
  // Kept open: the program gives up later what it takes to open it.
  #file: Deno.FsFile | undefined;
  #before = 0;
  #count = 0;

  /** How many there were so far. */
  get count(): number {
    return this.#count = this.#file
      ? Math.max(0, read(this.#file) - this.#before)
      : this.#count;
  }

  /** Counts from now on. */
  start(): void {
    this.#file = open();
    if (this.#file) this.#before = read(this.#file);
  }

  /** Counts no more. */
  stop(): void {
    // For the last time.
    void this.count;
    this.#file?.close();
    this.#file = undefined;
  }
}

function open(): Deno.FsFile | undefined {
  if (Deno.build.os !== "linux") return undefined;
  try {
    // Opening it without the permission would ask for it.
    const { state } = Deno.permissions.querySync({
      name: "read",
      path: NETSTAT,
    });
    return state === "granted" ? Deno.openSync(NETSTAT) : undefined;
  } catch {
    // A container without /proc.
    return undefined;
  }
}

function read(file: Deno.FsFile): number {
  const bytes = new Uint8Array(NETSTAT_BYTES);
  let length = 0;
  file.seekSync(0, Deno.SeekMode.Start);
  for (let count; (count = file.readSync(bytes.subarray(length)));) {
    length += count;
  }
  return listenOverflows(new TextDecoder().decode(bytes.subarray(0, length)));
}

/** `ListenOverflows` in `/proc/net/netstat`: a line of names, then one of their values. */
export function listenOverflows(netstat: string): number {
  const [names, values] = netstat.split("\n")
    .filter((line) => line.startsWith("TcpExt:"))
    .map((line) => line.split(" "));
  const at = names?.indexOf("ListenOverflows") ?? -1;
  return at < 0 ? 0 : Number(values?.[at] ?? 0);
}
