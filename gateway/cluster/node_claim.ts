// NodeClaim: how a gateway gets a number that no other gateway of its cluster has.

import type { Members } from "./members.ts";
import type { MessageHead } from "./message.ts";

// Milliseconds in which those that are there tell which numbers they have: in short steps, between
// which it hears what has come, since a machine on which many start at a time holds them up.
const STEP_MS = 30;
const STEPS = 10;
// Further ones come as long as others are heard of that are new, but not for ever.
const STEPS_MAX = 10 * STEPS;

// Each round settles whom it has heard of; more are needed only while further ones come.
const ROUNDS_MAX = 50;

type Head = Pick<MessageHead, "node" | "id">;

/** What {@linkcode NodeClaim} needs. */
export interface NodeClaimOptions {
  /** What this gateway drew at its start. */
  readonly id: number;
  /** The number that it was given; undefined when it is to find one. */
  readonly given: number | undefined;
  /** Those that have told of themselves. */
  readonly members: Members;
  /**
   * Tells which number this gateway wants; undefined = it has not chosen yet.
   *
   * @param to Who is told; undefined = all others.
   */
  readonly claim: (node: number | undefined, to?: number) => void;
}

/**
 * How a gateway gets a number that no other has: it tells which one it wants, and those that have
 * it object by saying hello. Of several that want the same at a time the one with the least id gets
 * it.
 */
export class NodeClaim {
  readonly #options: NodeClaimOptions;
  // What others want that have none yet, by their ids.
  readonly #others = new Map<number, number | undefined>();
  #wanted: number | undefined;

  /** Nothing is claimed yet. */
  constructor(options: NodeClaimOptions) {
    this.#options = options;
    this.#wanted = options.given;
  }

  /** Takes note of what another one wants. */
  heard({ node: from, id }: Head, node: number | undefined): void {
    const isNew = !this.#others.has(id);
    this.#others.set(id, node);
    // It may have come later, and not have heard of this one.
    if (isNew) this.#options.claim(this.#wanted, from);
  }

  /**
   * Finds a number, or makes sure of the one that was given.
   *
   * @returns undefined when another one has the one that was given.
   */
  async take(): Promise<number | undefined> {
    const { given } = this.#options;
    for (let round = 0; round < ROUNDS_MAX; round++) {
      // In the first one it only learns who is there.
      if (given === undefined && round > 0) this.#wanted = this.#choose();
      this.#options.claim(this.#wanted);
      await this.#quiet();
      const node = this.#wanted;
      if (node === undefined) continue;
      if (!this.#isTaken(node)) return node;
      if (given !== undefined) return undefined;
    }
    return undefined;
  }

  // Until nobody was heard of for a while who is new.
  async #quiet(): Promise<void> {
    let heard = this.#heard;
    for (
      let quiet = 0, steps = 0;
      quiet < STEPS && steps < STEPS_MAX;
      steps++
    ) {
      await new Promise((resolve) => setTimeout(resolve, STEP_MS));
      quiet = this.#heard === heard ? quiet + 1 : 0;
      heard = this.#heard;
    }
  }

  // Of how many gateways.
  get #heard(): number {
    return this.#others.size + this.#options.members.size;
  }

  // The lowest free one, but for those that others choose at the same moment.
  #choose(): number {
    const { id, members } = this.#options;
    const taken = new Set(members.all().map(({ node }) => node));
    let ahead = 0;
    for (const [other, node] of this.#others) {
      if (other >= id) continue;
      if (node === undefined) ahead++;
      else taken.add(node);
    }
    for (let node = 0;; node++) {
      if (!taken.has(node) && ahead-- === 0) return node;
    }
  }

  #isTaken(node: number): boolean {
    const { id, members } = this.#options;
    // One that leaves may be followed by one of the same number.
    if (members.all().some((one) => one.node === node && !leaves(one))) {
      return true;
    }
    return [...this.#others].some(([other, wanted]) =>
      other < id && wanted === node
    );
  }
}

function leaves({ state }: { readonly state: string }): boolean {
  return state === "draining";
}

/** The body of a `claim`: which number a gateway wants; undefined = it has not chosen yet. */
export function encodeClaim(node: number | undefined): Uint8Array {
  return new TextEncoder().encode(JSON.stringify({ node: node ?? null }));
}

/** Reads it; what cannot be read counts as not chosen. */
export function decodeClaim(body: Uint8Array): number | undefined {
  try {
    const { node } = JSON.parse(new TextDecoder().decode(body));
    return Number.isSafeInteger(node) ? node : undefined;
  } catch {
    return undefined;
  }
}
