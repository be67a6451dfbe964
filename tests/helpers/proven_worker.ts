// attachProven: a worker or trigger that proves who it is, as one of ours does.

import {
  challengeOf,
  type InnerRole,
  type Proof,
  proofFrame,
  Secret,
} from "@maple/box/internal";
import type { Address } from "./raw_peer.ts";
import { RawWorker } from "./raw_worker.ts";

/** Secrets for tests, one of each role, and another one of the worker's. */
export const SECRETS = {
  worker: "the-secret-of-workers-0123456789",
  trigger: "the-secret-of-triggers-0123456789",
  monitor: "the-secret-of-monitors-0123456789",
  admin: "the-secret-of-admins-0123456789",
} as const;

/** All of them, as a gateway takes them. */
export const ALL_SECRETS: readonly string[] = Object.entries(SECRETS)
  .map(([role, secret]) => `${role}:${secret}`);

/** What was said while a peer proved itself. */
export interface Proven {
  /** The peer, which can send anything now. */
  readonly peer: RawWorker;
  /** What it was asked. */
  readonly challenge: Uint8Array;
  /** What it has answered. */
  readonly proof: Proof;
  /** By what. */
  readonly secret: Secret;
}

/** Connects and answers the challenge; whether it is let in shows later. */
export async function attachProven(
  inner: Address,
  role: InnerRole,
  text: string = SECRETS[role],
): Promise<Proven> {
  const peer = await RawWorker.attach(inner);
  const challenge = challengeOf((await peer.nextFrame())!)!;
  const secret = new Secret(role, text);
  const proof = secret.prove(challenge);
  await peer.sendBytes(proofFrame(proof));
  return { peer, challenge, proof, secret };
}
