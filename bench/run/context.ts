// What every benchmark gets.

import type { Generator, NativePrograms } from "./generator.ts";
import type { Row } from "./rows.ts";

/** What every benchmark gets. */
export interface BenchContext {
  /** What puts load on the servers. */
  readonly generator: Generator;
  /** The C programs; undefined where there is no C compiler. */
  readonly native: NativePrograms | undefined;
  /** How often everything is measured. */
  readonly rounds: number;
  /** Seconds of each measurement. */
  readonly seconds: number;
  /** Files that one process may have open. */
  readonly openFiles: number;
  /** Tells what is being done. */
  readonly tell: (line: string) => void;
}

/** One benchmark. */
export type Benchmark = (context: BenchContext) => Promise<Row[]>;

/** How long a server is under load before it is measured, in seconds. */
export const WARM_UP_S = 0.2;
