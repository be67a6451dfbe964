// LinksNote: what the links of a worker's process leave for the processes that come after it, which
// may find the gateways that they are told gone.

/** What is worth knowing. */
export interface LinksNote {
  /** The names of the gateways that are of ours, which greet whom they let in. */
  readonly greeting: readonly string[];
  /** The gateways that others have told of. */
  readonly found: readonly FoundGateway[];
}

/** A gateway that others have told of. */
export interface FoundGateway {
  /** Where it is, `HOST:PORT`. */
  readonly inner: string;
  /** The cluster that it is one of. */
  readonly cluster: string;
  /** Which of the worker's own gateways it was found by. */
  readonly seed: number;
}

// It goes through the environment of a process.
const FOUND_MAX = 100;

/** Writes it. */
export function encodeNote({ greeting, found }: LinksNote): string {
  return JSON.stringify({ greeting, found: found.slice(0, FOUND_MAX) });
}

/** Reads it; nothing is known where there is none, or one of another version. */
export function decodeNote(note: string | undefined): LinksNote {
  try {
    const { greeting, found } = JSON.parse(note!);
    if (Array.isArray(greeting) && Array.isArray(found)) {
      return { greeting, found };
    }
  } catch { /* As without one. */ }
  return { greeting: [], found: [] };
}
