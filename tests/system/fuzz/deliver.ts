// deliver(): one hostile connection, from its beginning to its end.

import type { Address } from "../../helpers/raw_peer.ts";
import { contentOf, type FuzzInput, piecesOf } from "./input.ts";

/** What a delivery may do beside sending bytes. */
export interface Delivery {
  /** Makes of a frame what is sent. @default as it is */
  readonly fill?: (frame: Uint8Array) => Uint8Array;
  /** Whether what is to be filled in is known by now; it is waited for, but not long. */
  readonly isReady?: () => boolean;
  /** Bytes came; valid during the call only. */
  readonly onBytes?: (bytes: Uint8Array) => void;
}

// How long it may take that a server which does not read gets all, or that it closes.
const WRITE_MS = 500;
const HALF_MS = 250;
const STAY_MS = 60;
const READY_TURNS = 20;

/** Connects, sends an input, and leaves; what the other side does about it is up to it. */
export async function deliver(
  input: FuzzInput,
  { hostname, port }: Address,
  delivery: Delivery = {},
): Promise<void> {
  let conn: Deno.TcpConn;
  try {
    conn = await Deno.connect({ hostname, port });
  } catch {
    // Whether it may refuse is for those to tell that look at the server.
    return;
  }
  conn.setNoDelay(true);
  const reading = input.reads ? drain(conn, delivery.onBytes) : undefined;
  if (delivery.isReady) await until(delivery.isReady);
  const ended = reading ?? new Promise<void>(() => {});
  if (await within(send(conn, input, delivery), WRITE_MS)) {
    if (input.end === "half") {
      await conn.closeWrite().catch(() => {});
      await within(ended, HALF_MS);
    } else if (input.end === "stay") await within(ended, STAY_MS);
  }
  close(conn);
  await reading;
}

async function send(
  conn: Deno.TcpConn,
  input: FuzzInput,
  { fill }: Delivery,
): Promise<void> {
  // What is filled in may have come in answer to what was sent before.
  const parts = fill
    ? input.frames.map((frame) => () => fill(frame))
    : [() => contentOf(input)];
  try {
    for (const part of parts) {
      for (const piece of piecesOf(part(), input.pieces)) {
        for (let at = 0; at < piece.length;) {
          at += await conn.write(piece.subarray(at));
        }
        if (input.pieces.length > 0) await turn();
      }
    }
  } catch {
    // The other side has closed.
  }
}

async function drain(
  conn: Deno.TcpConn,
  onBytes?: (bytes: Uint8Array) => void,
): Promise<void> {
  const buffer = new Uint8Array(16 * 1024);
  try {
    for (;;) {
      const count = await conn.read(buffer);
      if (count === null) return;
      onBytes?.(buffer.subarray(0, count));
    }
  } catch {
    // It is closed.
  }
}

function close(conn: Deno.TcpConn): void {
  try {
    conn.close();
  } catch {
    // It is closed already.
  }
}

async function until(isReady: () => boolean): Promise<void> {
  for (let i = 0; i < READY_TURNS && !isReady(); i++) await turn();
}

function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

async function within(work: Promise<void>, ms: number): Promise<boolean> {
  let timer: ReturnType<typeof setTimeout>;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), ms);
  });
  const done = await Promise.race([work.then(() => true), late]);
  clearTimeout(timer!);
  return done;
}
