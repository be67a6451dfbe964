// SignOfLife: notices workers that vanished without closing their connection: those of ours are
// asked, original ones are known by their silence.

import { ping, turnNow } from "@maple/box/internal";
import type { ResolvedOptions } from "../option_table.ts";
import type { InnerLink } from "./inner_link.ts";

// A worker is asked for a sign of life so many times before it counts as lost.
const PINGS = 3;
// So often within its timeout an original worker is looked at.
const LOOKS = 4;

/** Looks for workers that vanished. */
export class SignOfLife {
  readonly #options: Pick<
    ResolvedOptions,
    "workerTimeout" | "originalWorkerTimeout"
  >;
  readonly #links: () => Iterable<InnerLink>;
  readonly #pingFrame: Uint8Array;
  #pinging: ReturnType<typeof setInterval> | undefined;
  #lookingAtOriginals: ReturnType<typeof setInterval> | undefined;

  /**
   * Makes one that does not look yet.
   *
   * @param links Those that it looks at.
   */
  constructor(
    options: Pick<ResolvedOptions, "workerTimeout" | "originalWorkerTimeout">,
    links: () => Iterable<InnerLink>,
  ) {
    this.#options = options;
    this.#links = links;
    this.#pingFrame = ping(this.#pingMs);
  }

  /** Begins to look. */
  start(): void {
    const { originalWorkerTimeout } = this.#options;
    if (this.#pingMs > 0) {
      this.#pinging = setInterval(() => {
        for (const link of this.#links()) this.#look(link);
      }, this.#pingMs);
    }
    if (originalWorkerTimeout > 0) {
      this.#lookingAtOriginals = setInterval(() => {
        const now = turnNow();
        for (const link of this.#links()) this.#lookAtOriginal(link, now);
      }, originalWorkerTimeout * 1000 / LOOKS);
    }
  }

  /** Looks no more. */
  stop(): void {
    clearInterval(this.#pinging);
    clearInterval(this.#lookingAtOriginals);
  }

  /** Asks a worker of ours for one. */
  ask(link: InnerLink): void {
    link.socket.send(this.#pingFrame);
  }

  // An original worker does not answer pings, and the system tells when its connection is gone. One
  // that stands still is known by its silence alone.
  #lookAtOriginal(link: InnerLink, now: number): void {
    const { originalWorkerTimeout } = this.#options;
    const { first } = link.inHand;
    if (link.acknowledgesById || !first) return;
    const since = Math.max(link.seenAt, first.deliveredAt);
    if (now - since < originalWorkerTimeout * 1000) return;
    link.socket.destroy({
      kind: "idle",
      message:
        `no frame for ${originalWorkerTimeout} s while it holds a task (originalWorkerTimeout)`,
    });
  }

  #look(link: InnerLink): void {
    if (!link.acknowledgesById) return;
    if (link.unansweredPings >= PINGS) {
      link.socket.destroy({
        kind: "idle",
        message:
          `no sign of life for ${this.#options.workerTimeout} s (workerTimeout)`,
      });
      return;
    }
    link.unansweredPings++;
    this.ask(link);
  }

  // How often workers of ours are asked; 0 = never.
  get #pingMs(): number {
    return this.#options.workerTimeout * 1000 / PINGS;
  }
}
