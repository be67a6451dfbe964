// What handlers have seen: each process notes every request in a file of its own, so that a killed
// one's notes stay.

import { packNumbers, unpackNumbers } from "./messages.ts";

const NUMBERS_PER_NOTE = 3;

/** The notes of one worker process. */
export class HandledNotes {
  readonly #file: Deno.FsFile;

  /** @param dir The folder of all processes' notes. */
  constructor(dir: string) {
    this.#file = Deno.openSync(`${dir}/${Deno.pid}`, {
      create: true,
      append: true,
    });
  }

  /** Notes a request; it is on file when the call returns. */
  add(client: number, seq: number, redelivered: boolean): void {
    const note = packNumbers([client, seq, redelivered ? 1 : 0]);
    if (this.#file.writeSync(note) !== note.length) {
      throw new Error("A note was not written whole");
    }
  }
}

/** The notes of all processes together. */
export interface HandledSummary {
  /** How often a handler has seen a request. */
  handled: number;
  /** How often one has seen a request that another one, or itself, had seen before. */
  duplicates: number;
  /** Requests that were seen more than once without the mark that they are redelivered. */
  unmarked: number;
}

/** Reads the notes of all processes. */
export async function summarizeHandled(dir: string): Promise<HandledSummary> {
  // For each client, how often each of its requests was seen, and how often unmarked.
  const seen = new Map<number, { times: number; fresh: number }[]>();
  const summary: HandledSummary = { handled: 0, duplicates: 0, unmarked: 0 };
  for await (const { name } of Deno.readDir(dir)) {
    const notes = unpackNumbers(await Deno.readFile(`${dir}/${name}`));
    for (let at = 0; at < notes.length; at += NUMBERS_PER_NOTE) {
      const client = notes[at]!;
      let requests = seen.get(client);
      if (!requests) seen.set(client, requests = []);
      const request = requests[notes[at + 1]!] ??= { times: 0, fresh: 0 };
      summary.handled++;
      if (++request.times > 1) summary.duplicates++;
      if (notes[at + 2] === 0 && ++request.fresh > 1) summary.unmarked++;
    }
  }
  return summary;
}
