// LogCollector: a logger that keeps its lines for a test to look at.

import type { Logger } from "@maple/box/internal";
import { eventually } from "./eventually.ts";

/** A logger that keeps its lines, `WARN what happened`. */
export class LogCollector implements Logger {
  /** The lines so far. */
  readonly lines: string[] = [];

  /** Keeps a line. */
  debug(message: string): void {
    this.lines.push(`DEBUG ${message}`);
  }

  /** Keeps a line. */
  info(message: string): void {
    this.lines.push(`INFO ${message}`);
  }

  /** Keeps a line. */
  warn(message: string): void {
    this.lines.push(`WARN ${message}`);
  }

  /** Keeps a line. */
  error(message: string): void {
    this.lines.push(`ERROR ${message}`);
  }

  /** Waits for a line that matches, one that is there already included, and answers it. */
  async line(pattern: RegExp): Promise<string> {
    const find = () => this.lines.find((line) => pattern.test(line));
    await eventually(() => find() !== undefined, {
      what: `a log line that matches ${pattern}`,
    }).catch((error) => {
      throw new Error(`${error.message}; there are:\n${this.lines.join("\n")}`);
    });
    return find()!;
  }

  /** The warnings and errors so far. */
  get complaints(): string[] {
    return this.lines.filter((line) => /^(WARN|ERROR) /.test(line));
  }
}
