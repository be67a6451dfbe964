// Flavour: how a kind of haven server is run.

import type { Ports, ResolvedRun } from "./resolve_options.ts";
import type { Runnable } from "@maple/box/internal";

/** The part of a haven server that its flavour runs. */
export interface FlavourApp extends Omit<Runnable, "start" | "readyLine"> {
  /**
   * Serves in this process or thread.
   *
   * @param index Which of them it is. @default {1}
   */
  listen(options: ResolvedRun, index?: number): Promise<void>;
  /** The ports that it serves on. */
  ports(): Ports;
  /** Sets what has to be closed before the server counts as closed. */
  closesFirst(close: () => Promise<void>): void;
}

/** Runs a haven server until it is stopped. */
export type Flavour = (options: ResolvedRun, app: FlavourApp) => Promise<void>;
