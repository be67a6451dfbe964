// BacklogOverflows: how many connections the system did not hold until they could be accepted.

const NETSTAT = "/proc/net/netstat";

/**
 * Counts from its making on. The system counts for all listeners of a machine, or a container,
 * together; a listener of its own it does not tell of. Only Linux tells, and only with the
 * permission to read; elsewhere the count stays 0.
 */
export class BacklogOverflows {
  readonly #before: number = overflows();

  /** How many there were so far. */
  get count(): number {
    return Math.max(0, overflows() - this.#before);
  }
}

function overflows(): number {
  if (Deno.build.os !== "linux") return 0;
  try {
    // Reading without the permission would ask for it.
    const { state } = Deno.permissions.querySync({
      name: "read",
      path: NETSTAT,
    });
    return state === "granted"
      ? listenOverflows(Deno.readTextFileSync(NETSTAT))
      : 0;
  } catch {
    // A container without /proc.
    return 0;
  }
}

/** `ListenOverflows` in `/proc/net/netstat`: a line of names, then one of their values. */
export function listenOverflows(netstat: string): number {
  const [names, values] = netstat.split("\n")
    .filter((line) => line.startsWith("TcpExt:"))
    .map((line) => line.split(" "));
  const at = names?.indexOf("ListenOverflows") ?? -1;
  return at < 0 ? 0 : Number(values?.[at] ?? 0);
}
