// Peer: another system that runs, for the benchmark "peers".

import { join } from "node:path";
import type { LoadFlags } from "./generator.ts";

/** Another system that runs. */
export class Peer implements AsyncDisposable {
  /** Where clients connect. */
  readonly port: number;
  readonly #running: AsyncDisposable;

  /** @param running What ends it. */
  constructor(port: number, running: AsyncDisposable) {
    this.port = port;
    this.#running = running;
  }

  /** Ends it. */
  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve(this.#running[Symbol.asyncDispose]());
  }
}

/** One of the other systems. */
export interface PeerKind {
  /** What it is called in the table, with what is behind it. */
  readonly name: string;
  /** What the load tool is to speak. */
  readonly flags: LoadFlags;
  /** What must be there, where `peers` is the folder of the other systems. */
  needs(peers: string): string;
  /**
   * Starts it and waits until it answers; undefined where something is missing.
   *
   * @param peers The folder of the other systems.
   * @param state Where it may write.
   */
  start(peers: string, state: string): Promise<Peer | undefined>;
}

/** What `start` gives; undefined where it does not find the program. */
export async function ifInstalled(
  start: () => Promise<Peer>,
): Promise<Peer | undefined> {
  try {
    return await start();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/**
 * The Node that npm has installed into a folder, together with these packages.
 *
 * @throws {Deno.errors.NotFound} where it or one of them is missing.
 */
export async function nodeWith(
  folder: string,
  packages: readonly string[],
): Promise<string> {
  const modules = join(folder, "node_modules");
  for (const name of packages) {
    await Deno.stat(join(modules, name, "package.json"));
  }
  const node = join(modules, ".bin/node");
  await Deno.stat(node);
  return node;
}
