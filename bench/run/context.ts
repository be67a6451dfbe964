// What every benchmark gets.

import type { Generator, NativePrograms } from "./generator.ts";
import type { Row } from "./rows.ts";

/** What every benchmark gets. */
export interface BenchContext {
  /** What puts load on the servers. */
  readonly generator: Generator;
  /** The C programs; undefined where there is no C compiler. */
  readonly native: NativePrograms | undefined;
  /** A folder for what the benchmarks need to write. */
  readonly folder: string;
  /** How often everything is measured. */
  readonly rounds: number;
  /** Seconds of each measurement. */
  readonly seconds: number;
  /** Files that one process may have open. */
  readonly openFiles: number;
  /** Where other systems lie that `peers` compares with. */
  readonly peers: string;
  /** Another working copy, to compare with. */
  readonly copy: string | undefined;
  /** Tells what is being done. */
  readonly tell: (line: string) => void;
}

/** One benchmark. */
export type Benchmark = (context: BenchContext) => Promise<Row[]>;

// Files that a process has open beside its connections.
const OTHER_FILES = 100;

/**
 * Those numbers of connections for which a process may open enough files; tells which are left out.
 */
export function possibleConnections(
  { openFiles, tell }: BenchContext,
  counts: readonly number[],
): number[] {
  return counts.filter((count) => {
    if (count + OTHER_FILES <= openFiles) return true;
    tell(
      `${count} connections are left out: a process may have only ${openFiles} files open (ulimit -n)`,
    );
    return false;
  });
}
