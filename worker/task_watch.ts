// TaskWatch: tells of tasks that take longer than they may.

import type { AppRequest } from "@maple/haven";
import type { LogSource } from "@maple/haven/internal";

/** Tells of tasks that take longer than they may. */
export class TaskWatch {
  readonly #log: LogSource;
  readonly #running = new Map<AppRequest<object>, number>();
  #limitMs = 0;
  #timer: ReturnType<typeof setInterval> | undefined;

  /** @param log Where it logs to. */
  constructor(log: LogSource) {
    this.#log = log;
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

  /**
   * Watches a request.
   *
   * @param since When it began, in milliseconds of `performance.now()`.
   */
  add(request: AppRequest<object>, since: number): void {
    if (this.#limitMs > 0) this.#running.set(request, since);
  }

  /** The request is finished. */
  delete(request: AppRequest<object>): void {
    if (this.#limitMs > 0) this.#running.delete(request);
  }

  // Each one is told once: what is told is not looked at again.
  #look(): void {
    const latest = performance.now() - this.#limitMs;
    for (const [request, since] of this.#running) {
      if (since > latest) break;
      this.#running.delete(request);
      this.#log.logger.warn(
        `${request} takes longer than ${this.#limitMs} ms (workTimeout)`,
        { conn: request.connId },
      );
    }
  }
}
