// ConnWriter: writes to a connection of Deno's that end when it is closed here.

/** The first Deno that ends a write when its connection is closed. */
const DENO_NEEDED = [2, 9, 5] as const;
const CLOSE_ENDS_WRITES = closeEndsWrites();
// What is copied at most for one write, and stays with a connection that is not read.
const PIECE_BYTES = 64 * 1024;

/**
 * Whether this Deno ends a write that is under way when its connection is closed. Before, the write
 * goes on for as long as the other side takes nothing, and the connection stays with it.
 */
export function closeEndsWrites(version: string = Deno.version.deno): boolean {
  const parts = version.split(/[.+-]/).map(Number);
  for (const [i, needed] of DENO_NEEDED.entries()) {
    const part = parts[i] ?? 0;
    if (part !== needed) return part > needed;
  }
  return true;
}

/** Writes to a connection of Deno's, one write at a time. */
export class ConnWriter {
  readonly #conn: Deno.Conn;
  readonly #endsByItself: boolean;
  #giveUp: ((error: Error) => void) | undefined;

  /**
   * Writes to a connection.
   *
   * @param conn The connection, which its owner closes.
   * @param endsByItself Whether its writes end when it is closed. @default {closeEndsWrites()}
   */
  constructor(conn: Deno.Conn, endsByItself: boolean = CLOSE_ENDS_WRITES) {
    this.#conn = conn;
    this.#endsByItself = endsByItself;
  }

  /**
   * Writes some of the bytes.
   *
   * @throws {Error} when the connection breaks or is closed.
   */
  write(bytes: Uint8Array): Promise<number> {
    return this.#endsByItself
      ? this.#conn.write(bytes)
      : this.#writeCopy(bytes);
  }

  /** Ends the write that is under way; to be called when the connection is closed. */
  end(): void {
    this.#giveUp?.(new Deno.errors.Interrupted("operation canceled"));
  }

  // Whoever is told that his write has ended uses its buffer for others.
  #writeCopy(bytes: Uint8Array): Promise<number> {
    const piece = bytes.slice(0, PIECE_BYTES);
    return new Promise((resolve, reject) => {
      this.#giveUp = reject;
      this.#conn.write(piece).then(resolve, reject);
    });
  }
}
