// KnownGateway: what a worker knows of the gateway at the other end of a link, by what that says of
// itself and others tell of it.

import type { Greeting, ListedGateway } from "@maple/box/internal";

const NONE: readonly ListedGateway[] = [];

/** What is known of one gateway; it is kept while the gateway is away. */
export class KnownGateway {
  /** The cluster whose gateways have told of it; the worker's own ones are told of by nobody. */
  readonly foundIn: string | undefined;
  /** Where it was reached last, which is another way to write its address. */
  remote: string | undefined;
  #greeting: Greeting | undefined;
  #isOriginal = false;
  /** The gateways of its cluster, by what it says; equal lists are one object. */
  list: readonly ListedGateway[] = NONE;

  /** @param foundIn The cluster whose gateways have told of it. */
  constructor(foundIn: string | undefined) {
    this.foundIn = foundIn;
  }

  /** It has said who it is. */
  hasGreeted(greeting: Greeting): void {
    this.#greeting = greeting;
    this.#isOriginal = false;
    this.list = greeting.gateways ?? NONE;
  }

  /** It says nothing, as those of the original system. */
  isSilent(): void {
    this.#greeting = undefined;
    this.#isOriginal = true;
    this.list = NONE;
  }

  /** Whether it is known what kind of gateway it is. */
  get isKnown(): boolean {
    return this.#greeting !== undefined || this.#isOriginal;
  }

  /** The cluster that it is one of, or was when it was there last. */
  get cluster(): string | undefined {
    return this.foundIn ?? this.#greeting?.cluster;
  }

  /** Its node in that. */
  get node(): number | undefined {
    return this.cluster === undefined ? undefined : this.#greeting?.node;
  }

  /** Where it says itself that it is. */
  get advertised(): string | undefined {
    const { node } = this;
    return this.list.find((listed) => listed.node === node)?.inner;
  }

  /** Whether it says that it is of the cluster whose gateways have told of it. */
  get isAsTold(): boolean {
    return this.foundIn === undefined ||
      this.foundIn === this.#greeting?.cluster;
  }

  /** Whether it hears nothing of the others of its cluster. */
  get isAlone(): boolean {
    return this.#greeting?.alone ?? false;
  }

  /** Whether it is the gateway that says this of itself, in the same life. */
  is({ cluster, node, tag }: Greeting): boolean {
    const own = this.#greeting;
    return own !== undefined && tag !== undefined &&
      own.cluster === cluster && own.node === node && own.tag === tag;
  }

  /** What it has said of itself last. */
  get greeting(): Greeting | undefined {
    return this.#greeting;
  }
}
