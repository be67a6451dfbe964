// PeerOpening: how a worker or trigger opens its connection to a gateway, and what keeps it from
// doing so: the gateway has to prove itself as well.

import {
  challengeOf,
  isChallenge,
  type Proof,
  proofFrame,
} from "../opening.ts";
import { decodeGreeting } from "../pull.ts";
import type { Secret } from "./secret.ts";

/**
 * What a frame of the gateway comes to:
 *
 * - `send`: the peer sends this, and then what it would have begun with without a secret
 * - `open`: the connection is open, and the frame is one of those that come on it
 * - `refuse`: the peer closes the connection, for this reason
 */
export type OpeningStep =
  | { readonly kind: "send"; readonly frame: Uint8Array }
  | { readonly kind: "open" }
  | { readonly kind: "refuse"; readonly why: string };

const OPEN: OpeningStep = { kind: "open" };

/** Milliseconds that a gateway may take for its challenge. */
export const CHALLENGE_MS = 5000;

/** The peer's side of the opening of one connection. */
export class PeerOpening {
  readonly #secret: Secret | undefined;
  readonly #who: string;
  #challenge: Uint8Array | undefined;
  #proof: Proof | undefined;
  #isOpen = false;

  /**
   * Begins one.
   *
   * @param secret What the peer proves itself by; without one it wants no proof either.
   * @param who What the peer is, for messages: `worker`.
   */
  constructor(secret: Secret | undefined, who: string) {
    this.#secret = secret;
    this.#who = who;
  }

  /** Whether the gateway has to say something before the peer does. */
  get waits(): boolean {
    return this.#secret !== undefined;
  }

  /** Whether nothing of it is left to do: no frame has to be given to `take` any more. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Takes a frame of the gateway, while it is not open. */
  take(frame: Uint8Array): OpeningStep {
    const secret = this.#secret;
    if (!secret) {
      if (isChallenge(frame)) return this.#refuse(this.#wantsSecret);
      this.#isOpen = true;
      return OPEN;
    }
    if (!this.#proof) return this.#prove(secret, frame);
    const { own } = this.#proof;
    const mac = decodeGreeting(frame)?.mac;
    if (!secret.isProvenByGateway(mac, own, this.#challenge!)) {
      return this.#refuse(
        `it has not proven that it knows the secret of this ${this.#who}: whoever answers there is not its gateway`,
      );
    }
    this.#isOpen = true;
    return OPEN;
  }

  /** Why a connection that has ended did not open; undefined when it is not because of secrets. */
  get whyEnded(): string | undefined {
    if (this.#isOpen || !this.#proof) return undefined;
    return `it does not take the secret of this ${this.#who} (role ${this.#proof.role}), as its log tells, or has no place for it`;
  }

  /** Why one is given up on which the gateway asks for nothing; undefined once it has asked. */
  get whyUnasked(): string | undefined {
    return this.#proof
      ? undefined
      : `it asks for no proof, and this ${this.#who} was given a secret: none is set there, or it lets this address in without (its option innerOpen), or it stands still`;
  }

  #prove(secret: Secret, frame: Uint8Array): OpeningStep {
    const challenge = challengeOf(frame);
    if (!challenge) return this.#refuse(this.whyUnasked!);
    this.#challenge = challenge.slice();
    this.#proof = secret.prove(challenge);
    return { kind: "send", frame: proofFrame(this.#proof) };
  }

  get #wantsSecret(): string {
    return `it wants proof, and this ${this.#who} has no secret (its option secret or secretFile, or MAPLE_INNER_SECRET)`;
  }

  #refuse(why: string): OpeningStep {
    return { kind: "refuse", why };
  }
}
