// AcceptWatch: whether a listener of node:net still lets connections in. Where descriptors run out,
// Deno's lets nobody in for good, and tells nobody.

/** Seconds without a connection after which it is tried whether one is let in. */
export const ACCEPT_WATCH = 15;

// A connection of this machine to itself is let in at once.
const PATIENCE_MS = 5000;

/** Connects to a listener that is quiet, and tells when nobody lets that in. */
export class AcceptWatch {
  readonly #addr: Deno.NetAddr;
  readonly #onStuck: () => void;
  readonly #timer: ReturnType<typeof setInterval>;
  #quiet = true;
  // The port that it comes from; undefined where it could not connect.
  #trial: Promise<number | undefined> | undefined;
  #onArrived: (() => void) | undefined;
  #stopped = false;

  /**
   * Begins to watch.
   *
   * @param addr Where the listener is.
   * @param seconds See {@linkcode ACCEPT_WATCH}.
   */
  constructor(addr: Deno.NetAddr, seconds: number, onStuck: () => void) {
    this.#addr = addr;
    this.#onStuck = onStuck;
    this.#timer = setInterval(() => this.#step(), seconds * 1000);
  }

  /**
   * To be told of each connection.
   *
   * @param port The one that it comes from.
   * @returns Whether it is one of this watch; a promise where that is not known yet.
   */
  arrived(port: number): boolean | Promise<boolean> {
    this.#quiet = false;
    const trial = this.#trial;
    if (!trial) return false;
    return trial.then((own) => {
      if (own === port) this.#onArrived?.();
      return own === port;
    });
  }

  /** Watches no more. */
  stop(): void {
    this.#stopped = true;
    clearInterval(this.#timer);
    this.#onArrived?.();
  }

  #step(): void {
    if (this.#quiet && !this.#trial) this.#try();
    this.#quiet = true;
  }

  async #try(): Promise<void> {
    const arrived = new Promise<void>((resolve) => this.#onArrived = resolve);
    const connecting = this.#connect();
    this.#trial = connecting.then((conn) => conn?.localAddr.port);
    using conn = await connecting;
    // Where it cannot connect it knows nothing.
    if (!conn) {
      this.#trial = undefined;
      return;
    }
    let isStuck = false;
    const timer = setTimeout(() => {
      isStuck = !this.#stopped;
      this.#onArrived!();
    }, PATIENCE_MS);
    await arrived;
    clearTimeout(timer);
    this.#trial = undefined;
    if (isStuck) this.#onStuck();
  }

  async #connect(): Promise<Deno.TcpConn | undefined> {
    const { hostname, port } = this.#addr;
    const local = hostname === "0.0.0.0"
      ? "127.0.0.1"
      : hostname === "::"
      ? "::1"
      : hostname;
    try {
      return await Deno.connect({ hostname: local, port });
    } catch {
      return undefined;
    }
  }
}
