// Secret: what lets its holder be a worker, trigger, monitor or admin at a gateway. It proves that
// its holder knows it, and shows itself to nobody.

import { createHash, type Hash, timingSafeEqual } from "node:crypto";
import {
  gatewayInput,
  peerInput,
  type Proof,
  PROOF_PART_BYTES,
} from "../opening.ts";
import type { InnerRole } from "../roles.ts";

const BLOCK_BYTES = 64;

/** A secret of one role. Whatever prints it tells the role and no more. */
export class Secret {
  /** What it lets its holder be. */
  readonly role: InnerRole;
  readonly #text: string;
  // The two hashes of HMAC (RFC 2104) as they are before the input. With them a code takes a third
  // of the time: who proves nothing must not cost much.
  readonly #inner: Hash;
  readonly #outer: Hash;

  /**
   * Makes one.
   *
   * @param text What both sides know.
   */
  constructor(role: InnerRole, text: string) {
    this.role = role;
    this.#text = text;
    const key = new Uint8Array(BLOCK_BYTES);
    const bytes = new TextEncoder().encode(text);
    key.set(
      bytes.length > BLOCK_BYTES ? sha256().update(bytes).digest() : bytes,
    );
    this.#inner = sha256().update(key.map((byte) => byte ^ 0x36));
    this.#outer = sha256().update(key.map((byte) => byte ^ 0x5c));
  }

  /** Whether it is the same text, of whatever role. */
  hasTextOf(other: Secret): boolean {
    return this.#text === other.#text;
  }

  /** Whether it is the same secret. */
  equals(other: Secret): boolean {
    return this.role === other.role && this.hasTextOf(other);
  }

  /** What tells it from other secrets of its role, for two processes that both know it. */
  get mark(): string {
    const code = this.#code(new TextEncoder().encode("which secret it is"));
    return btoa(String.fromCharCode(...code));
  }

  /** Proves to a gateway that this side knows it, with random bytes that are new each time. */
  prove(challenge: Uint8Array): Proof {
    const { role } = this;
    const own = randomPart();
    return { role, own, code: this.#code(peerInput(challenge, { role, own })) };
  }

  /** Whether a peer that was given this challenge has proven that it knows the secret. */
  isProvenBy(proof: Proof, challenge: Uint8Array): boolean {
    return proof.role === this.role &&
      timingSafeEqual(this.#code(peerInput(challenge, proof)), proof.code);
  }

  /** Proves to a peer that the gateway knows it too: what its greeting tells. */
  gatewayCode(own: Uint8Array, challenge: Uint8Array): string {
    const code = this.#code(gatewayInput(own, challenge));
    return btoa(String.fromCharCode(...code));
  }

  /** Whether what a greeting tells proves that. */
  isProvenByGateway(
    told: string | undefined,
    own: Uint8Array,
    challenge: Uint8Array,
  ): boolean {
    const [expected, got] = [this.gatewayCode(own, challenge), told ?? ""]
      .map((text) => new TextEncoder().encode(text));
    return expected!.length === got!.length && timingSafeEqual(expected!, got!);
  }

  #code(input: Uint8Array): Uint8Array {
    const inner = this.#inner.copy().update(input).digest();
    return this.#outer.copy().update(inner).digest();
  }
}

function sha256(): Hash {
  return createHash("sha256");
}

/** As many random bytes as a challenge has. */
export function randomPart(): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(PROOF_PART_BYTES));
}
