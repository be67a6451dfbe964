// Ports: where a gateway listens: for clients, and for workers and triggers.

import {
  type Certificate,
  EpollListener,
  type Listener,
  type ListenTcpOptions,
  openIo,
  type ServerIo,
  whenFree,
  type WhenFreeOptions,
} from "@maple/box/internal";
import type { GatewayContext } from "./context.ts";
import { OuterListeners } from "./outer/listeners.ts";

/** What is said where the gateway was closed before its ports were open. */
export const CLOSED_MEANWHILE =
  "Cannot listen: the gateway was closed meanwhile";

/** What {@linkcode Ports.open} needs of the gateway. */
export interface OpenPortsOptions {
  /** What clients over TLS are shown. */
  readonly certificates: readonly Certificate[];
  /** Whether one more connection of an address is refused. */
  readonly refuses: (address: string) => boolean;
  /** Listeners that come by `adopt`, of a gateway whose place is taken, by name, host and port. */
  readonly expected?: readonly {
    readonly name: string;
    readonly host: string;
    readonly port: number;
  }[];
}

/** A listener that can be handed over. */
export interface GivenListener {
  /** A transport of clients, or `inner`. */
  readonly name: string;
  /** Where it was to listen. */
  readonly host: string;
  /** What listens. */
  readonly listener: EpollListener;
}

/** Where a gateway listens. */
export class Ports {
  readonly #context: Pick<GatewayContext, "options" | "logger">;
  #outer: OuterListeners | undefined;
  #inner: Listener | undefined;
  #innerOwn: Listener | undefined;
  #io: ServerIo | undefined;
  #givenUp = false;

  /** None is open yet. */
  constructor(context: Pick<GatewayContext, "options" | "logger">) {
    this.#context = context;
  }

  /** Where clients connect; undefined unless it is open. */
  get outer(): OuterListeners | undefined {
    return this.#outer;
  }

  /** Where workers and triggers connect, likewise. */
  get inner(): Listener | undefined {
    return this.#inner;
  }

  /** Where they connect that know of it, likewise; undefined without `innerOwnPort`. */
  get innerOwn(): Listener | undefined {
    return this.#innerOwn;
  }

  /** Where the sockets come from, likewise. */
  get io(): ServerIo | undefined {
    return this.#io;
  }

  /**
   * Opens them all, the inner one first: clients are let in only when workers can come too.
   *
   * @throws {Error} with one line, when one of them cannot be opened, or they are closed meanwhile.
   */
  async open(
    { certificates, refuses, expected = [] }: OpenPortsOptions,
  ): Promise<void> {
    const { options } = this.#context;
    const { reusePort, innerHost, innerPort, innerOwnPort } = options;
    const io = this.openIo();
    const comes = (name: string, host: string, port: number): boolean =>
      expected.some((one) =>
        one.name === name && one.host === host &&
        (port === 0 || one.port === port)
      );
    const inner = comes("inner", innerHost, innerPort)
      ? undefined
      : await this.#openInner(io, innerPort, { reusePort });
    let innerOwn: Listener | undefined;
    try {
      if (
        innerOwnPort !== undefined &&
        !comes("innerOwn", innerHost, innerOwnPort)
      ) innerOwn = await this.#openInner(io, innerOwnPort);
      const sources = { io, certificates, refuses, comes };
      const outer = await OuterListeners.open(
        sources,
        options,
        this.#waiting,
      );
      if (this.#givenUp) {
        outer.close();
        throw new Error(CLOSED_MEANWHILE);
      }
      this.#inner = inner;
      this.#innerOwn = innerOwn;
      this.#outer = outer;
    } catch (error) {
      inner?.close();
      innerOwn?.close();
      throw error;
    }
  }

  /**
   * Opens where the sockets come from.
   *
   * @throws {Error} with one line, when they cannot be had.
   */
  openIo(): ServerIo {
    return this.#io ??= openIo(this.#context.options.io);
  }

  /** The listeners that can be handed over. */
  given(): GivenListener[] {
    const { innerHost, outerHost } = this.#context.options;
    const inner = { inner: this.#inner, innerOwn: this.#innerOwn };
    return [
      ...Object.entries(inner).flatMap(([name, listener]) =>
        listener instanceof EpollListener
          ? [{ name, host: innerHost, listener }]
          : []
      ),
      ...this.#outer?.given(outerHost) ?? [],
    ];
  }

  /** Where those listen that cannot. */
  kept(): { name: string; host: string; port: number }[] {
    return this.#outer?.kept(this.#context.options.outerHost) ?? [];
  }

  /**
   * Takes a listener of the gateway before, after `open`.
   *
   * @returns Whether it is wanted.
   */
  adopt(
    { name, host, port }: {
      readonly name: string;
      readonly host: string;
      readonly port: number;
    },
    descriptor: number,
  ): boolean {
    const { options } = this.#context;
    const { innerHost, innerPort, innerOwnPort } = options;
    const { backlog, reusePort, keepAlive } = options;
    const io = this.#io!.descriptors!;
    const isInner = name === "inner";
    if (!isInner && name !== "innerOwn") {
      return this.#outer!.adopt(
        { name, host, port },
        options,
        () => io.listener(descriptor, { backlog, reusePort, keepAlive }),
      );
    }
    const wanted = isInner ? innerPort : innerOwnPort;
    if (host !== innerHost || (wanted !== 0 && wanted !== port)) return false;
    if (isInner) {
      this.#inner = io.listener(descriptor, { reusePort, keepAlive });
    } else this.#innerOwn = io.listener(descriptor, { keepAlive });
    return true;
  }

  /** Opens what had to wait until the gateway before has closed its own, those for TLS. */
  openLate(): void {
    void this.#outer?.openLate(this.#context.logger);
  }

  /** Lets no more clients in, and gives up what is still being opened. */
  closeOuter(): void {
    this.#givenUp = true;
    this.#outer?.close();
    this.#outer = undefined;
  }

  /** Lets no more workers and triggers in. */
  closeInner(): void {
    this.#inner?.close();
    this.#innerOwn?.close();
    this.#inner = this.#innerOwn = undefined;
  }

  /** To be called when all connections are closed. */
  async closeIo(): Promise<void> {
    await this.#io?.close();
    this.#io = undefined;
  }

  #openInner(
    io: ServerIo,
    port: number,
    more: Pick<ListenTcpOptions, "reusePort"> = {},
  ): Listener | Promise<Listener> {
    const { innerHost: hostname, keepAlive } = this.#context.options;
    const at = { what: "workers", hostname, port };
    return whenFree(() => io.listen(at, { keepAlive, ...more }), this.#waiting);
  }

  get #waiting(): WhenFreeOptions {
    const { options: { bindTimeout }, logger } = this.#context;
    return { bindTimeout, logger, givenUp: () => this.#givenUp };
  }
}
