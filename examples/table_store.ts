// Where game_table.ts keeps its tables: in files, which outlive every process, or in memory, to see
// what happens then.

/** One move at a table; the first two are those by which the players sit down. */
export interface Move {
  /** Who made it. */
  readonly uid: number;
  /** The player's own number for it: the same move that comes once more has the same one. */
  readonly id: number;
  /** What it adds; 0 for sitting down. */
  readonly add: number;
}

/** Keeps what has happened, from which each process makes the present state for itself. */
export interface TableStore {
  /** All moves at a table so far. */
  read(table: number): Promise<readonly Move[]>;
  /**
   * Adds a move behind the `count` moves that there are.
   *
   * @returns false when there are more by now: another worker was faster, and the move has to be
   * judged again.
   */
  append(table: number, count: number, move: Move): Promise<boolean>;
}

/** Tables in the memory of one process: gone with it, and unknown to all others. */
export class MemoryStore implements TableStore {
  readonly #tables = new Map<number, Move[]>();

  /** See {@linkcode TableStore}. */
  read(table: number): Promise<readonly Move[]> {
    return Promise.resolve([...this.#tables.get(table) ?? []]);
  }

  /** See {@linkcode TableStore}. */
  append(table: number, count: number, move: Move): Promise<boolean> {
    const moves = this.#tables.get(table) ?? [];
    if (moves.length !== count) return Promise.resolve(false);
    this.#tables.set(table, [...moves, move]);
    return Promise.resolve(true);
  }
}

/**
 * Tables as files, `FOLDER/TABLE/NUMBER.json` for each move. The system lets only one process make
 * a file of a certain name, which is all that is needed; in a database it is a unique key of table
 * and number.
 *
 * What was read is kept in memory. Moves never change, so that memory can be out of date but not
 * wrong, and a new process has it again after one read.
 */
export class FileStore implements TableStore {
  readonly #folder: string;
  readonly #known = new Map<number, Move[]>();

  /** @param folder Where the files are; made when it is not there. */
  constructor(folder: string) {
    this.#folder = folder;
  }

  /** See {@linkcode TableStore}. */
  async read(table: number): Promise<readonly Move[]> {
    let moves = this.#known.get(table);
    if (!moves) this.#known.set(table, moves = []);
    for (;;) {
      const count = moves.length;
      const move = await readMove(this.#path(table, count));
      if (!move) return [...moves];
      // Unless another request has read it in the meantime.
      if (moves.length === count) moves.push(move);
    }
  }

  /** See {@linkcode TableStore}. */
  async append(table: number, count: number, move: Move): Promise<boolean> {
    await Deno.mkdir(`${this.#folder}/${table}`, { recursive: true });
    // Written under another name first: a process that is killed here leaves no half move.
    const draft = `${this.#folder}/${table}/draft-${crypto.randomUUID()}`;
    await Deno.writeTextFile(draft, JSON.stringify(move));
    try {
      await Deno.link(draft, this.#path(table, count));
      return true;
    } catch (error) {
      if (error instanceof Deno.errors.AlreadyExists) return false;
      throw error;
    } finally {
      await Deno.remove(draft);
    }
  }

  #path(table: number, number: number): string {
    return `${this.#folder}/${table}/${number}.json`;
  }
}

async function readMove(path: string): Promise<Move | undefined> {
  try {
    return JSON.parse(await Deno.readTextFile(path));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
