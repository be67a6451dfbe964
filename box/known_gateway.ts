// KnownGateway: what a worker or trigger knows of a gateway, by what that says of itself and others
// tell of it.

import type { ListedGateway } from "./gateway_list.ts";
import type { Greeting } from "./pull.ts";

const NONE: readonly ListedGateway[] = [];

/** What is known of one gateway; it is kept while the gateway is away. */
export class KnownGateway {
  /** The cluster whose gateways have told of it; of one that it is told by its user, none. */
  readonly foundIn: string | undefined;
  /** Where it was reached last, which is another way to write its address. */
  remote: string | undefined;
  #greeting: Greeting | undefined;
  #isOriginal = false;
  /** The gateways of its cluster, by what it says; equal lists are one object. */
  list: readonly ListedGateway[] = NONE;

  /**
   * Knows nothing of it yet.
   *
   * @param foundIn The cluster whose gateways have told of it.
   */
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

  /** Whether a list means it, by this name, the way it was reached or its own word. */
  isListed(name: string, list: readonly ListedGateway[]): boolean {
    const { remote, advertised } = this;
    return list.some(({ inner }) =>
      inner === name || inner === remote || inner === advertised
    );
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
