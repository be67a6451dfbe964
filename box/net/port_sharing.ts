// Whether several listeners, of this process or of others, may share a port: the system then
// spreads the connections over them.

/** The flag of Deno without which its own sockets cannot share a port. */
export const SHARING_FLAG = "--unstable-net";

/** Whether Deno's own sockets may share a port in this process. */
export function maySharePorts(): boolean {
  // Deno ends a process that shares a port without the flag; this other thing is there only with
  // the flag.
  return "listenDatagram" in Deno;
}

/** How to get what {@linkcode maySharePorts} has missed. */
export function howToSharePorts(): string {
  return Deno.build.standalone
    ? `this executable was compiled without ${SHARING_FLAG}, which sharing a port needs`
    : `Deno was started without ${SHARING_FLAG}, which sharing a port needs`;
}
