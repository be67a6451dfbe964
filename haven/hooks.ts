// HookList: the functions that are called at one point of an app's life.

import {
  describeError,
  type LogFields,
  type Logger,
} from "@maple/box/internal";
import { Connection } from "./connection.ts";
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

/** The functions of one hook: the app's own and those of its blueprints. */
export class HookList<A extends readonly unknown[]> {
  /** The hook's name, as in log lines. */
  readonly name: string;
  readonly #log: LogSource;
  readonly #order: HookOrder;
  readonly #fromApp: Hook<A>[] = [];
  readonly #fromBlueprints: Hook<A>[] = [];
  #functions: readonly Hook<A>[] = [];

  /**
   * Makes an empty list.
   *
   * @param name The hook's name, as in log lines.
   * @param log Where a function that throws is logged.
   * @param order Whose functions are called first.
   */
  constructor(name: string, log: LogSource, order: HookOrder = "appFirst") {
    this.name = name;
    this.#log = log;
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
   * Calls the functions one after the other. One that throws or rejects is logged, and the next is
   * called.
   *
   * @returns A promise when one of them returned one; it never rejects. Else `undefined`: all have
   * run.
   */
  run(...args: A): Promise<void> | undefined {
    const functions = this.#functions;
    for (let i = 0; i < functions.length; i++) {
      try {
        const outcome = functions[i]!(...args);
        if (isPending(outcome)) {
          return this.#runRest(outcome, functions.slice(i + 1), args);
        }
      } catch (error) {
        this.#logError(error, args);
      }
    }
  }

  async #runRest(
    first: PromiseLike<unknown>,
    functions: readonly Hook<A>[],
    args: A,
  ): Promise<void> {
    try {
      await first;
    } catch (error) {
      this.#logError(error, args);
    }
    for (const fn of functions) {
      try {
        await fn(...args);
      } catch (error) {
        this.#logError(error, args);
      }
    }
  }

  #logError(error: unknown, [about]: readonly unknown[]): void {
    this.#log.logger.error(
      `Hook ${this.name} threw: ${describeError(error)}`,
      fieldsOf(about),
    );
  }
}

// What a hook is called with first is a request, a connection, the app or a gateway's name.
function fieldsOf(about: unknown): LogFields {
  if (about instanceof Connection) return { conn: about.id };
  return {
    conn: (about as { connId?: LogFields["conn"] } | undefined)?.connId,
  };
}
