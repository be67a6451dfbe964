// ToldList: tells workers and triggers where the gateways of the cluster are, when that changes.

// Changes that come together are told together.
const LIST_MS = 100;

/** What was told of where the gateways are, and who is called when it has changed. */
export class ToldList {
  /** What was told last. */
  told = "";
  readonly #present: () => unknown;
  readonly #listeners: (() => void)[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** @param present What there is to tell now; what its JSON is tells whether it has changed. */
  constructor(present: () => unknown) {
    this.#present = present;
  }

  /** Calls the listener when there is something new to tell. */
  onNew(listener: () => void): void {
    this.#listeners.push(listener);
  }

  /** It may have changed, which is looked at soon. */
  lookSoon(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      const list = JSON.stringify(this.#present());
      if (list === this.told) return;
      this.told = list;
      for (const listener of this.#listeners) listener();
    }, LIST_MS);
  }

  /** Nothing is told any more. */
  stop(): void {
    clearTimeout(this.#timer);
  }
}
