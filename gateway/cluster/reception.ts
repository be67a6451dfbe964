// Reception: who gets what the bus brings. A process that is about to take the place of a gateway
// keeps it, the one that has the place works on it, and one that has given its place drops it.

import type { BusReceiver } from "./bus.ts";
import { type Mark, Standby } from "./standby.ts";

/** Passes what the bus brings to whoever is to have it now. */
export class Reception implements BusReceiver {
  readonly #receiver: Required<BusReceiver>;
  #standby: Standby | undefined;
  #isGiven = false;

  /** @param receiver Works on what comes while this process has the place. */
  constructor(receiver: Required<BusReceiver>) {
    this.#receiver = receiver;
  }

  /** Where what is kept begins, of each gateway of which something has come. */
  get firsts(): Mark[] {
    return this.#standby?.firsts ?? [];
  }

  /** Keeps what comes from now on, until `passOn`; so many bytes of it at most. */
  keep(bytesMax: number): void {
    this.#standby = new Standby(bytesMax);
  }

  /** This process has the place: it gets what was kept, and all that comes. */
  passOn(): void {
    const standby = this.#standby;
    this.#standby = undefined;
    standby?.passTo(this.#receiver);
  }

  /** Another process has the place. */
  giveUp(): void {
    this.#isGiven = true;
  }

  onMessage(message: Uint8Array): void {
    this.#present?.onMessage(message);
  }

  onState(isUp: boolean, why: string): void {
    this.#present?.onState(isUp, why);
  }

  onGone(node: number): void {
    this.#receiver.onGone(node);
  }

  get #present(): BusReceiver | undefined {
    return this.#standby ?? (this.#isGiven ? undefined : this.#receiver);
  }
}
