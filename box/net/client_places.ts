// ClientPlaces: how many client connections there may be at a time, and who makes room when all
// places are taken.

import type { CloseCause } from "./close_cause.ts";

/** What places need of a connection. */
export interface Placed {
  /** Whether it has ever sent a whole frame. */
  readonly heard: boolean;
  /** Whether it is somebody though it has sent none: it is logged in, or was written to. */
  readonly known: boolean;
  /** What carries its frames. */
  readonly socket: {
    /** Closes it at once. */
    destroy(cause: CloseCause): void;
  };
}

/**
 * How many client connections there may be at a time. A connection has its place until it has ended
 * for good. When all are taken, one more gets the place of who has waited longest among those that
 * are on their way out, then among those that have never sent a whole frame.
 */
export class ClientPlaces<C extends Placed> {
  readonly #limits: { readonly connsMax: number };
  // In the order in which they came here.
  readonly #leaving = new Set<C>();
  readonly #silent = new Set<Placed>();
  #taken = 0;

  /**
   * Makes places, all of them free.
   *
   * @param limits How many there are; looked at each time.
   */
  constructor(limits: { readonly connsMax: number }) {
    this.#limits = limits;
  }

  /** How many are taken. */
  get taken(): number {
    return this.#taken;
  }

  /** Those that are on their way out. */
  leaving(): Iterable<C> {
    return this.#leaving;
  }

  /** Whether there is a place for one more; it may have been made. */
  hasRoom(): boolean {
    return this.#taken < this.#limits.connsMax || this.#makeRoom();
  }

  /** A connection takes a place; one that is only to become a client's may as well. */
  take(connection: Placed): void {
    this.#taken++;
    this.#silent.add(connection);
  }

  /** A connection is closed, or has ended its sending; it has its place until it is gone. */
  leave(connection: C): void {
    this.#silent.delete(connection);
    this.#leaving.add(connection);
  }

  /** A connection is gone, though what is to be done about it may take longer. */
  gone(connection: Placed): void {
    this.#silent.delete(connection);
    this.#leaving.delete(connection as C);
  }

  /** A connection gives its place back. */
  free(connection: Placed): void {
    this.gone(connection);
    this.#taken--;
  }

  // Whoever is shown out gives its place back a little later.
  #makeRoom(): boolean {
    for (const connection of this.#leaving) {
      this.#leaving.delete(connection);
      this.#showOut(connection, "it has ended its sending");
      return true;
    }
    for (const connection of this.#silent) {
      this.#silent.delete(connection);
      // Nobody looks at each frame whether it is the first one: it is seen here.
      if (connection.heard || connection.known) continue;
      this.#showOut(connection, "it has sent no whole frame");
      return true;
    }
    return false;
  }

  #showOut({ socket }: Placed, what: string): void {
    socket.destroy({
      kind: "room",
      message:
        `${what}: there are ${this.#limits.connsMax} connections, the most that connsMax allows, and it makes room for another`,
    });
  }
}
