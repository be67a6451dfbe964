// Drain: waits until nothing waits in the queue and nothing is in workers' hands.

import type { Dispatcher } from "./queue/dispatcher.ts";
import type { TaskQueue } from "./queue/task_queue.ts";

// How often a gateway that leaves looks whether all is done.
const LOOK_MS = 100;

/** Waits until nothing waits in the queue and nothing is in workers' hands. */
export class Drain {
  /** Whether nobody waits any longer. */
  isOver = false;
  readonly #queue: TaskQueue;
  readonly #dispatcher: Dispatcher;
  #onIdle: (() => void) | undefined;

  /** @param parts Whose tasks are waited for. */
  constructor(
    { queue, dispatcher }: {
      readonly queue: TaskQueue;
      readonly dispatcher: Dispatcher;
    },
  ) {
    this.#queue = queue;
    this.#dispatcher = dispatcher;
  }

  /** How many tasks are left. */
  get left(): number {
    return this.#queue.size + this.#dispatcher.inHand;
  }

  /** Waits until none is left, up to so many seconds. */
  async wait(seconds: number): Promise<void> {
    if (this.left === 0 || seconds === 0) return;
    let look: ReturnType<typeof setInterval> | undefined;
    let timer: ReturnType<typeof setTimeout> | undefined;
    await new Promise<void>((resolve) => {
      this.#onIdle = resolve;
      timer = setTimeout(resolve, seconds * 1000);
      // What is dropped rather than finished is not told.
      look = setInterval(() => this.left === 0 && resolve(), LOOK_MS);
    });
    clearTimeout(timer);
    clearInterval(look);
    this.#onIdle = undefined;
  }

  /** A task is finished. */
  taskFinished(): void {
    if (this.#onIdle && this.left === 0) this.#onIdle();
  }

  /** Nobody waits any longer. */
  end(): void {
    this.isOver = true;
    this.#onIdle?.();
  }
}
