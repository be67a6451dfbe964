// TaskWatch: looks for tasks that take longer than they may.

import type { WorkerRequest } from "./request.ts";
import type { TaskOrigin } from "./task_connection.ts";

/** A task that is being worked on. */
export interface RunningTask<F extends object> extends TaskOrigin<F> {
  isFinished: boolean;
  /** When its work began, in milliseconds of `performance.now()`. */
  readonly since: number;
  /** The hook that works on it, where that is no handler. */
  readonly hook: string | undefined;
}

/** Called with each task that takes too long, once. */
export type LateHandler<F extends object> = (
  request: WorkerRequest<F, object>,
  task: RunningTask<F>,
) => void;

/** Looks for tasks that take longer than they may. */
export class TaskWatch<F extends object> {
  readonly #onLate: LateHandler<F>;
  readonly #running = new Map<WorkerRequest<F, object>, RunningTask<F>>();
  #limitMs = 0;
  #timer: ReturnType<typeof setInterval> | undefined;

  /** @param onLate Called with each task that takes too long, once. */
  constructor(onLate: LateHandler<F>) {
    this.#onLate = onLate;
  }

  /** Milliseconds that a task may take; 0 = any. */
  get limitMs(): number {
    return this.#limitMs;
  }

  /** @param limitMs Milliseconds that a task may take; 0 = any. */
  start(limitMs: number): void {
    this.#limitMs = limitMs;
    if (limitMs === 0) return;
    this.#timer = setInterval(
      () => this.#look(),
      Math.min(1000, Math.max(10, limitMs / 4)),
    );
  }

  /** Stops looking. */
  stop(): void {
    clearInterval(this.#timer);
    this.#running.clear();
  }

  /** Watches a request. */
  add(request: WorkerRequest<F, object>, task: RunningTask<F>): void {
    if (this.#limitMs > 0) this.#running.set(request, task);
  }

  /** The request is finished. */
  delete(request: WorkerRequest<F, object>): void {
    if (this.#limitMs > 0) this.#running.delete(request);
  }

  // What was late once is not looked at again.
  #look(): void {
    const latest = performance.now() - this.#limitMs;
    for (const [request, task] of this.#running) {
      if (task.since > latest) break;
      this.#running.delete(request);
      this.#onLate(request, task);
    }
  }
}
