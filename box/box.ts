// Box, the frame between a client and a server.

import { type BoxClass, boxClass, type BoxOf } from "./box_class.ts";

/** The header of {@linkcode Box}: 24 bytes, big-endian. */
export interface BoxFields {
  /** Marks a frame: 2037952207 (0x7978AECF). */
  magic: number;
  /** The version of the application's protocol. */
  version: number;
  /** Free for the application. */
  flag: number;
  /** Bytes of the whole frame, header included; set by `pack`. */
  packetLen: number;
  /** The command number: what routes are keyed by. */
  cmd: number;
  /** The return code; 0 is success. */
  ret: number;
  /** The serial number: a reply carries the request's. */
  sn: number;
}

/** The number that begins every Box and every Task. */
export const MAGIC: number = 2037952207;

/**
 * The frame between a client and a server: a 24-byte header and a body.
 *
 * @example A request and its reply
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { Box } from "@maple/box";
 *
 * const request = new Box({ cmd: 1, sn: 7, body: { name: "maple" } });
 * const reply = request.map({ ret: 0, body: "hello" });
 * assertEquals(reply.sn, 7);
 * assertEquals(Box.fromFrame(reply.pack()).text(), "hello");
 * ```
 */
export const Box: BoxClass<BoxFields> = boxClass([
  ["magic", "i", MAGIC],
  ["version", "h"],
  ["flag", "h"],
  ["packetLen", "i"],
  ["cmd", "i"],
  ["ret", "i"],
  ["sn", "i"],
]);

/** A box with the 24-byte header; see the class of the same name. */
export type Box = BoxOf<BoxFields>;
