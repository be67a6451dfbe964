// Keep-alive: how soon the system finds that the other side of a connection has vanished without a
// word.

import type { Range } from "../options.ts";

/** Seconds after which a peer that has vanished is found, where nothing else is said. */
export const DEFAULT_KEEP_ALIVE = 120;

/** What the option may be: the most that Linux takes. */
export const KEEP_ALIVE: Range = { min: 0, max: 65_534, whole: false };

// Names and numbers of Linux, the same on all processors that Deno runs on.
const SOL_SOCKET = 1;
const SO_KEEPALIVE = 9;
const SO_ACCEPTCONN = 30;
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
  if (seconds === 0 || Deno.build.os !== "linux") return false;
  // Without asking the user.
  if (Deno.permissions.querySync({ name: "ffi" }).state !== "granted") {
    return false;
  }
  let library: ReturnType<typeof openLibrary>;
  try {
    library = openLibrary();
  } catch {
    // Another library than the usual one.
    return false;
  }
  try {
    const { symbols } = library;
    const listeners = listenersOf(symbols, port);
    const times = timesOf(seconds);
    return listeners.length > 0 &&
      listeners.every((listener) =>
        times.every(([level, option, value]) => {
          const bytes = new Int32Array([value]);
          return symbols.setsockopt(listener, level, option, bytes, 4) === 0;
        })
      );
  } finally {
    library.close();
  }
}

function timesOf(seconds: number): [number, number, number][] {
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

type Calls = ReturnType<typeof openLibrary>["symbols"];

// deno-lint-ignore explicit-function-return-type -- it follows from what is asked for
function openLibrary() {
  return Deno.dlopen("libc.so.6", {
    getsockopt: {
      parameters: ["i32", "i32", "i32", "buffer", "buffer"],
      result: "i32",
    },
    setsockopt: {
      parameters: ["i32", "i32", "i32", "buffer", "u32"],
      result: "i32",
    },
    getsockname: { parameters: ["i32", "buffer", "buffer"], result: "i32" },
  });
}

// Deno does not tell the descriptor of a listener. Several threads may listen on one port.
function listenersOf(calls: Calls, port: number): number[] {
  const value = new Int32Array(1);
  const length = new Uint32Array(1);
  const address = new Uint8Array(128);
  const found: number[] = [];
  for (let descriptor = 0; descriptor < DESCRIPTORS; descriptor++) {
    length[0] = value.byteLength;
    const failed = calls.getsockopt(
      descriptor,
      SOL_SOCKET,
      SO_ACCEPTCONN,
      value,
      length,
    );
    if (failed || value[0] !== 1) continue;
    length[0] = address.length;
    if (calls.getsockname(descriptor, address, length) !== 0) continue;
    // Both kinds of address have the port there, the high byte first.
    if (address[2]! * 256 + address[3]! === port) found.push(descriptor);
  }
  return found;
}
