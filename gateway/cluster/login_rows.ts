// Login rows: which users have logged in and when, as gateways tell each other; 16 bytes each.

import type { Int64 } from "@maple/box";
import { readInt64, writeInt64 } from "@maple/box/internal";

/** A user who has logged in. */
export interface LoginRow {
  /** Who. */
  readonly uid: Int64;
  /** When: of two logins of a user the one with the higher stamp holds. */
  readonly stamp: number;
}

/** Bytes of one row. */
export const LOGIN_BYTES = 16;

// Milliseconds since 1970 in some hundred thousand years: far above, one more makes no difference.
const STAMP_MAX = 2 ** 52;

/** Whether a number can be a stamp. */
export function isStamp(value: number): boolean {
  return Number.isInteger(value) && value > 0 && value <= STAMP_MAX;
}

/** The body of a message about logins. */
export function encodeLogins(rows: readonly LoginRow[]): Uint8Array {
  const body = new Uint8Array(rows.length * LOGIN_BYTES);
  const view = new DataView(body.buffer);
  for (const [i, { uid, stamp }] of rows.entries()) {
    writeInt64(body, i * LOGIN_BYTES, uid);
    view.setFloat64(i * LOGIN_BYTES + 8, stamp);
  }
  return body;
}

/**
 * Calls `visit` for each row of a body.
 *
 * @returns Whether all of it makes sense; rows that do not are passed over.
 */
export function readLogins(
  body: Uint8Array,
  visit: (uid: Int64, stamp: number) => void,
): boolean {
  if (body.length % LOGIN_BYTES !== 0) return false;
  const view = new DataView(body.buffer, body.byteOffset, body.length);
  let isGood = true;
  for (let at = 0; at < body.length; at += LOGIN_BYTES) {
    const uid = readInt64(body, at);
    const stamp = view.getFloat64(at + 8);
    if (uid > 0 && isStamp(stamp)) visit(uid, stamp);
    else isGood = false;
  }
  return isGood;
}
