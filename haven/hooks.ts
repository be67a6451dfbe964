// HookList: the functions that are called at one point of an app's life.

import type { Logger } from "@maple/box/internal";
import { isPending } from "./outcome.ts";

/** A function that is called with the arguments `A`; a promise that it returns is awaited. */
export type Hook<A extends readonly unknown[]> = (...args: A) => unknown;

/** Whose functions a hook calls first. Within each group the order is that of registration. */
export type HookOrder = "appFirst" | "blueprintsFirst";

/** Something with a logger, which may be replaced while it lives. */
export interface LogSource {
  /** Where it logs to now. */
  readonly logger: Logger;
}

/** Who deals with what hooks and timers throw. */
export interface ThrowHandler {
  /**
   * Deals with a throw; it must not throw itself.
   *
   * @param what What has thrown, for logs: `Hook createConn`.
   * @param error What was thrown.
   * @param about The first argument of the hook: a request, a connection, the app.
   * @returns A promise when something has to be awaited.
   */
  onThrow(
    what: string,
    error: unknown,
    about?: unknown,
  ): Promise<void> | undefined;
}

/** The functions of one hook: the app's own and those of its blueprints. */
export class HookList<A extends readonly unknown[]> {
  /** The hook's name, as in log lines. */
  readonly name: string;
  readonly #throws: ThrowHandler;
  readonly #order: HookOrder;
  readonly #fromApp: Hook<A>[] = [];
  readonly #fromBlueprints: Hook<A>[] = [];
  #functions: readonly Hook<A>[] = [];

  /**
   * Makes an empty list.
   *
   * @param name The hook's name, as in log lines.
   * @param throws Who deals with what a function throws.
   * @param order Whose functions are called first.
   */
  constructor(
    name: string,
    throws: ThrowHandler,
    order: HookOrder = "appFirst",
  ) {
    this.name = name;
    this.#throws = throws;
    this.#order = order;
  }

  /** The functions in the order in which they are called. */
  get functions(): readonly Hook<A>[] {
    return this.#functions;
  }

  /** Whether there is nothing to call. */
  get empty(): boolean {
    return this.#functions.length === 0;
  }

  /** Adds a function of the app or of a blueprint. */
  add(fn: Hook<A>, from: "app" | "blueprint" = "app"): void {
    (from === "app" ? this.#fromApp : this.#fromBlueprints).push(fn);
    this.#functions = this.#order === "appFirst"
      ? [...this.#fromApp, ...this.#fromBlueprints]
      : [...this.#fromBlueprints, ...this.#fromApp];
  }

  /**
   * Calls the functions one after the other, also when one of them throws or rejects.
   *
   * @returns A promise when something had to be awaited; it never rejects. Else `undefined`: all
   * have run.
   */
  run(...args: A): Promise<void> | undefined {
    const functions = this.#functions;
    for (let i = 0; i < functions.length; i++) {
      const waiting = this.#call(functions[i]!, args);
      if (waiting) return this.#runRest(waiting, functions.slice(i + 1), args);
    }
  }

  async #runRest(
    first: Promise<void>,
    functions: readonly Hook<A>[],
    args: A,
  ): Promise<void> {
    await first;
    for (const fn of functions) await this.#call(fn, args);
  }

  #call(fn: Hook<A>, args: A): Promise<void> | undefined {
    try {
      const outcome = fn(...args);
      if (isPending(outcome)) return this.#settled(outcome, args);
    } catch (error) {
      return this.#onThrow(error, args);
    }
  }

  async #settled(outcome: PromiseLike<unknown>, args: A): Promise<void> {
    try {
      await outcome;
    } catch (error) {
      await this.#onThrow(error, args);
    }
  }

  #onThrow(
    error: unknown,
    [about]: readonly unknown[],
  ): Promise<void> | undefined {
    return this.#throws.onThrow(`Hook ${this.name}`, error, about);
  }
}
