// InnerPlaces: keeps some of the inner connections for workers. What a connection is shows only
// when it speaks. So whoever comes while triggers have their share is let in on trial: a worker
// asks at once and stays, a trigger is sent away when it speaks, one that is silent makes room.

/** How many places there are. */
export interface PlacesLimits {
  /** Connections of workers and triggers. */
  readonly innerConnsMax: number;
  /** How many of them only workers can have; at most half of them. */
  readonly innerReserve: number;
}

/** A connection, as far as its place goes. */
export interface PlaceHolder {
  /** Whether it has asked for a task. */
  readonly isWorker: boolean;
}

/** Who has the inner connections of a gateway. */
export class InnerPlaces<L extends PlaceHolder> {
  readonly #limits: PlacesLimits;
  readonly #links = new Set<L>();
  // The one that has been on trial for the longest time first.
  readonly #onTrial = new Set<L>();

  /** @param limits Looked at each time. */
  constructor(limits: PlacesLimits) {
    this.#limits = limits;
  }

  /** Those that are connected. */
  get links(): ReadonlySet<L> {
    return this.#links;
  }

  /** How many places triggers can have. */
  get triggersMax(): number {
    const { innerConnsMax, innerReserve } = this.#limits;
    return innerConnsMax - Math.min(innerReserve, innerConnsMax >> 1);
  }

  /** Whether nobody new can be let in, not even if somebody makes room. */
  get isFull(): boolean {
    return this.#links.size >= this.#limits.innerConnsMax &&
      this.#onTrial.size === 0;
  }

  /**
   * Lets a connection in.
   *
   * @returns Who has to make room for it; it does not have a place any more.
   */
  add(link: L): L | undefined {
    let leaves: L | undefined;
    if (this.#links.size >= this.#limits.innerConnsMax) {
      [leaves] = this.#onTrial;
      if (leaves) this.delete(leaves);
    }
    if (this.#triggers >= this.triggersMax) this.#onTrial.add(link);
    this.#links.add(link);
    return leaves;
  }

  /** Takes a connection that another process has given. */
  retake(link: L, onTrial: boolean): void {
    this.#links.add(link);
    if (onTrial) this.#onTrial.add(link);
  }

  /** Takes its place from a connection that has ended. */
  delete(link: L): void {
    this.#links.delete(link);
    this.#onTrial.delete(link);
  }

  /** Whether it is not known yet if the connection may stay. */
  isOnTrial(link: L): boolean {
    return this.#onTrial.size > 0 && this.#onTrial.has(link);
  }

  /**
   * Ends the trial of a connection that has spoken.
   *
   * @returns Whether it may stay.
   */
  judge(link: L, isWorker: boolean): boolean {
    const stays = isWorker || this.#triggers < this.triggersMax;
    if (stays) this.#onTrial.delete(link);
    return stays;
  }

  // Those that are no workers and not on trial.
  get #triggers(): number {
    let triggers = 0;
    for (const link of this.#links) {
      if (!link.isWorker && !this.#onTrial.has(link)) triggers++;
    }
    return triggers;
  }
}
