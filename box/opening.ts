// How a connection to a gateway that wants proof is opened: CHALLENGE and PROOF, written and read
// here, for both sides. What is proven, and how, is in net/secret.ts.

import { readInt32 } from "./int32.ts";
import { type InnerRole, ROLE_NUMBERS, roleOfNumber } from "./roles.ts";
import { Task, TaskCmd, TaskOffset } from "./task.ts";

/** Bytes of the random numbers of both sides, and of what is made of them. */
export const PROOF_PART_BYTES = 32;

// They keep the code of one side from being taken for one of the other.
const PEER = new TextEncoder().encode("peer");
const GATEWAY = new TextEncoder().encode("gateway");

// The role, the peer's random bytes, the code.
const BODY_BYTES = 1 + 2 * PROOF_PART_BYTES;
const ROLE_AT = TaskOffset.body;
const OWN_AT = ROLE_AT + 1;
const CODE_AT = OWN_AT + PROOF_PART_BYTES;

/** Bytes of the frame of a proof. */
export const PROOF_FRAME_BYTES: number = TaskOffset.body + BODY_BYTES;

/** What a peer sends to prove that it knows a secret. */
export interface Proof {
  /** What it wants to be. */
  readonly role: InnerRole;
  /** Random bytes of its own, for the gateway to prove itself with. */
  readonly own: Uint8Array;
  /** The code that only who knows the secret can make of them and of the challenge. */
  readonly code: Uint8Array;
}

/** The first frame of a gateway that wants proof. */
export function challengeFrame(challenge: Uint8Array): Uint8Array {
  return new Task({ cmd: TaskCmd.CHALLENGE, body: challenge }).pack();
}

/** Whether a frame is a challenge, whatever is in it. */
export function isChallenge(frame: Uint8Array): boolean {
  return readInt32(frame, TaskOffset.cmd) === TaskCmd.CHALLENGE;
}

/** The bytes of a challenge, valid as long as the frame is; undefined when the frame is none. */
export function challengeOf(frame: Uint8Array): Uint8Array | undefined {
  return isChallenge(frame) &&
      frame.length === TaskOffset.body + PROOF_PART_BYTES
    ? frame.subarray(TaskOffset.body)
    : undefined;
}

/** The answer to a challenge. */
export function proofFrame({ role, own, code }: Proof): Uint8Array {
  const body = new Uint8Array(BODY_BYTES);
  body[0] = ROLE_NUMBERS[role];
  body.set(own, 1);
  body.set(code, 1 + PROOF_PART_BYTES);
  return new Task({ cmd: TaskCmd.PROOF, body }).pack();
}

/** Reads one, whose bytes are valid as long as the frame is; undefined when the frame is none. */
export function proofOf(frame: Uint8Array): Proof | undefined {
  if (
    frame.length !== PROOF_FRAME_BYTES ||
    readInt32(frame, TaskOffset.cmd) !== TaskCmd.PROOF
  ) return undefined;
  const role = roleOfNumber(frame[ROLE_AT]!);
  return role && {
    role,
    own: frame.subarray(OWN_AT, CODE_AT),
    code: frame.subarray(CODE_AT),
  };
}

/** What the peer's code is made of. */
export function peerInput(
  challenge: Uint8Array,
  { role, own }: Pick<Proof, "role" | "own">,
): Uint8Array {
  const roleAt = PEER.length + challenge.length;
  const bytes = new Uint8Array(roleAt + 1 + own.length);
  bytes.set(PEER);
  bytes.set(challenge, PEER.length);
  bytes[roleAt] = ROLE_NUMBERS[role];
  bytes.set(own, roleAt + 1);
  return bytes;
}

/** What the gateway's code is made of, which goes with its greeting. */
export function gatewayInput(
  own: Uint8Array,
  challenge: Uint8Array,
): Uint8Array {
  const challengeAt = GATEWAY.length + own.length;
  const bytes = new Uint8Array(challengeAt + challenge.length);
  bytes.set(GATEWAY);
  bytes.set(own, GATEWAY.length);
  bytes.set(challenge, challengeAt);
  return bytes;
}
