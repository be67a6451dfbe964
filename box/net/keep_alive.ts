// Keep-alive: how soon the system finds that the other side of a connection has vanished without a
// word.

import type { Range } from "../options.ts";
import { Libc } from "./libc.ts";
import { decodeSocketAddress } from "./socket_address.ts";

/** Seconds after which a peer that has vanished is found, where nothing else is said. */
export const DEFAULT_KEEP_ALIVE = 120;

/** What the option may be: the most that Linux takes. */
export const KEEP_ALIVE: Range = { min: 0, max: 65_534, whole: false };

// Names and numbers of Linux, the same on all processors that Deno runs on.
const SOL_SOCKET = 1;
const SO_KEEPALIVE = 9;
const IPPROTO_TCP = 6;
const TCP_KEEPIDLE = 4;
const TCP_KEEPINTVL = 5;
const TCP_KEEPCNT = 6;
const TCP_USER_TIMEOUT = 18;
const PROBES = 5;
// A listener is opened at the start of a program, where few descriptors are in use.
const DESCRIPTORS = 4096;

/**
 * Has the system look after the connections that are accepted on a port from now on: after half of
 * `seconds` without a sign of the other side it is asked for one, and a connection is broken that
 * gives none until the end of them, also one that takes no byte of what was sent to it.
 *
 * Deno's `setKeepAlive` has the system's own times, two hours on Linux, and no others. So these
 * times are set, through the system's own library, for the listener, from which the connections
 * have them. It is done where that can be: on Linux, with `--allow-ffi`.
 *
 * @param seconds 0 leaves it to the system's times.
 * @returns Whether it is so.
 */
export function keepAlive(port: number, seconds: number): boolean {
  if (seconds === 0) return false;
  let libc: Libc;
  try {
    libc = Libc.open();
  } catch {
    // It cannot be called.
    return false;
  }
  using _closed = libc;
  const listeners = listenersOf(libc, port);
  const options = keepAliveOptions(seconds);
  return listeners.length > 0 &&
    listeners.every((listener) =>
      options.every(([level, name, value]) =>
        libc.setOption(listener, { level, name, value }) === 0
      )
    );
}

/** What sets these times for a socket: level, name and value of each option. */
export function keepAliveOptions(
  seconds: number,
): (readonly [number, number, number])[] {
  const interval = Math.max(1, Math.floor(seconds / 12));
  const idle = Math.max(1, Math.floor(seconds / 2));
  return [
    [SOL_SOCKET, SO_KEEPALIVE, 1],
    [IPPROTO_TCP, TCP_KEEPIDLE, idle],
    [IPPROTO_TCP, TCP_KEEPINTVL, interval],
    [IPPROTO_TCP, TCP_KEEPCNT, PROBES],
    [IPPROTO_TCP, TCP_USER_TIMEOUT, (idle + PROBES * interval) * 1000],
  ];
}

// Deno does not tell the descriptor of a listener. Several threads may listen on one port.
function listenersOf(libc: Libc, port: number): number[] {
  const found: number[] = [];
  for (let descriptor = 0; descriptor < DESCRIPTORS; descriptor++) {
    if (!libc.isListening(descriptor)) continue;
    const address = libc.addressOf(descriptor);
    if (address.length === 0) continue;
    if (decodeSocketAddress(address).port === port) found.push(descriptor);
  }
  return found;
}
