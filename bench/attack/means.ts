// What attacks are made of: connections, crowds of them, bytes.

import { Box } from "@maple/box";
import type { Target } from "./attack.ts";

/** How many attack at a time, where nothing else is said. */
export const CROWD = 2000;

/** Never resolves. */
export const never = (): Promise<never> => new Promise(() => {});

/** Connects, after several attempts if it has to. */
export async function connect(port: number): Promise<Deno.TcpConn> {
  for (;;) {
    try {
      return await Deno.connect({ hostname: "127.0.0.1", port });
    } catch {
      await pause(50);
    }
  }
}

/** Waits. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Writes all of it; false when the connection has ended. */
export async function write(
  conn: Deno.Conn,
  bytes: Uint8Array,
): Promise<boolean> {
  try {
    for (let at = 0; at < bytes.length;) {
      at += await conn.write(bytes.subarray(at));
    }
    return true;
  } catch {
    return false;
  }
}

/** Reads and forgets until the connection has ended. */
export async function swallow(conn: Deno.Conn): Promise<void> {
  const buffer = new Uint8Array(64 * 1024);
  try {
    while (await conn.read(buffer) !== null);
  } catch {
    // Ended by the other side.
  }
}

/** So many at a time, each again and again. */
export async function crowd(
  count: number,
  one: (index: number) => Promise<void>,
): Promise<void> {
  await Promise.all(Array.from({ length: count }, async (_, index) => {
    for (;;) {
      await one(index);
      await pause(1);
    }
  }));
}

/** Connects, writes the same bytes again and again, and reads or does not. */
export function flood(
  count: number,
  bytes: Uint8Array,
  options: { reads?: boolean; everyMs?: number } = {},
): (target: Target) => Promise<void> {
  return ({ outer }) =>
    crowd(count, async () => {
      const conn = await connect(outer);
      if (options.reads) void swallow(conn);
      while (await write(conn, bytes)) {
        if (options.everyMs) await pause(options.everyMs);
      }
      close(conn);
    });
}

/** Closes it. */
export function close(conn: Deno.Conn): void {
  try {
    conn.close();
  } catch {
    // Closed already.
  }
}

/** The bytes of a request. */
export function packed(
  cmd: number,
  body: Uint8Array | string = "",
): Uint8Array {
  return new Box({ cmd, sn: 1, body }).pack();
}

/** The same bytes so many times. */
export function repeated(frame: Uint8Array, times: number): Uint8Array {
  const all = new Uint8Array(frame.length * times);
  for (let i = 0; i < times; i++) all.set(frame, i * frame.length);
  return all;
}
