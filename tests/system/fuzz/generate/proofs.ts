// Proofs of who somebody is at the port for workers and triggers, and what he says behind them.

import { createHmac } from "node:crypto";
import {
  type InnerRole,
  peerInput,
  PROOF_FRAME_BYTES,
  proofFrame,
  proofOf,
  readInt32,
  writeInt32,
} from "@maple/box/internal";
import type { Random } from "../../../helpers/random.ts";
import { SECRET_SIGN } from "../process_watch.ts";
import { tasks } from "./tasks.ts";

// Stands where the code of a proof is to be, which depends on the gateway's challenge.
const CODE_MARK = 0x636f_644d;
const PART_BYTES = 32;
const CODE_AT = PROOF_FRAME_BYTES - PART_BYTES;

/**
 * The secrets that hostile peers have got hold of. With them they may write to users, close them
 * and ask, but neither take tasks nor answer.
 */
export const KNOWN_SECRETS: Readonly<Partial<Record<InnerRole, string>>> = {
  trigger: `${SECRET_SIGN}-of-triggers`,
  monitor: `${SECRET_SIGN}-of-monitors`,
};

/** Those that only honest peers know. */
export const UNKNOWN_SECRETS: Readonly<Partial<Record<InnerRole, string>>> = {
  worker: `${SECRET_SIGN}-of-workers`,
  admin: `${SECRET_SIGN}-of-admins`,
};

/** A proof, then what a trigger says, and what it must not say. */
export function proofs(random: Random): Uint8Array[] {
  const role = random.pick<InnerRole>([
    ...["trigger", "trigger", "trigger", "monitor"] as const,
    ...["worker", "admin"] as const,
  ]);
  const code = random.bytes(PART_BYTES);
  if (random.next() < 0.9) writeInt32(code, 0, CODE_MARK);
  const proof = proofFrame({ role, own: random.bytes(PART_BYTES), code });
  const others = tasks(random, { harms: false, asks: true });
  return random.next() < 0.1 ? others : [proof, ...others];
}

/** The same frame; with the code that the challenge asks for, where it is marked. */
export function withCode(
  frame: Uint8Array,
  challenge: Uint8Array | undefined,
): Uint8Array {
  const proof = proofOf(frame);
  const secret = proof && KNOWN_SECRETS[proof.role];
  if (!challenge || !secret || readInt32(frame, CODE_AT) !== CODE_MARK) {
    return frame;
  }
  const proven = frame.slice();
  proven.set(
    createHmac("sha256", secret).update(peerInput(challenge, proof)).digest(),
    CODE_AT,
  );
  return proven;
}
