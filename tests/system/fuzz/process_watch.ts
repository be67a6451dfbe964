// ProcessWatch: a process that is fuzzed: whether it lives, what it logs, what it holds.

import { PLACE_LIMIT, STORM_LIMIT } from "../../../box/log/log_storm.ts";
import type { RunningProcess } from "../../helpers/process.ts";

const LINE = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\S* ([A-Z]+) +(\S+\])( .*)?$/;
const NUMBERS = /[\da-f.:]*\d[\da-f.:]*/gi;
const SECOND_CHARS = "2026-01-31T23:59:59".length;
const LINE_MAX = 3000;
// Seconds of a log and of a storm begin at different moments; and each storm ends with one line.
const ALIKE_MAX = 2 * (STORM_LIMIT + 1);
const LINES_MAX = 4 * PLACE_LIMIT;
// A connection that is being closed, a file that is being written.
const DESCRIPTORS_SLACK = 2;

/** What every secret here contains, and no log may. */
export const SECRET_SIGN = "nobody-may-print-this";

/** A process that is fuzzed. */
export class ProcessWatch {
  /** What it is called in findings. */
  readonly name: string;
  /** The process. */
  readonly process: RunningProcess;
  readonly #allowed: RegExp | undefined;
  // By second and process: how many lines there were of each shape.
  readonly #seconds = new Map<string, Map<string, number>>();
  #ended: number | undefined;
  #leaving = false;
  #read = 0;
  #descriptors: number | undefined;

  /**
   * Watches a process.
   *
   * @param allowed ERROR lines that are no fault.
   */
  constructor(name: string, process: RunningProcess, allowed?: RegExp) {
    this.name = name;
    this.process = process;
    this.#allowed = allowed;
    process.status.then(({ code }) => this.#ended = code);
  }

  /** From now on it may end. */
  leaving(): void {
    this.#leaving = true;
  }

  /** What is wrong with it and was not told yet. */
  faults(): string[] {
    const faults: string[] = [];
    if (this.#ended !== undefined && !this.#leaving) {
      faults.push(`has ended with code ${this.#ended}: ${this.#tail()}`);
      this.#leaving = true;
    }
    const log = this.process.stderr;
    const end = log.lastIndexOf("\n") + 1;
    for (const line of log.slice(this.#read, end).split("\n").slice(0, -1)) {
      const fault = this.#faultOf(line);
      if (fault) {
        faults.push(`${fault}: ${JSON.stringify(line.slice(0, LINE_MAX))}`);
      }
    }
    this.#read = Math.max(this.#read, end);
    return faults.map((fault) => `${this.name} ${fault}`);
  }

  /** Its open descriptors; undefined where the system does not tell. */
  descriptors(): number | undefined {
    try {
      return [...Deno.readDirSync(`/proc/${this.process.pid}/fd`)].length;
    } catch {
      return undefined;
    }
  }

  /** Takes what it holds for what it is to come back to. */
  remember(): void {
    this.#descriptors = this.descriptors();
  }

  /** Whether it holds more descriptors than it did, in a line. */
  leaks(): string | undefined {
    const now = this.descriptors();
    if (now === undefined || this.#descriptors === undefined) return undefined;
    if (now <= this.#descriptors + DESCRIPTORS_SLACK) return undefined;
    return `${this.name} holds ${now} descriptors, at first ${this.#descriptors}`;
  }

  /** Bytes of its memory; 0 where the system does not tell. */
  rss(): number {
    try {
      const status = Deno.readTextFileSync(`/proc/${this.process.pid}/status`);
      return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? 0) * 1024;
    } catch {
      return 0;
    }
  }

  #faultOf(line: string): string | undefined {
    const [, second, level, who, message = ""] = LINE.exec(line) ?? [];
    if (second === undefined) return "wrote a line that is none of a log";
    if (line.includes(SECRET_SIGN)) return "printed a secret";
    if (line.length > LINE_MAX) {
      return `wrote a line of ${line.length} characters`;
    }
    if (level !== "WARN" && level !== "ERROR") return undefined;
    if (level === "ERROR" && !this.#allowed?.test(line)) {
      return "logged an error";
    }
    return this.#stormFault(`${second} ${who}`, message);
  }

  // Each process that writes to this log has limits of its own.
  #stormFault(second: string, message: string): string | undefined {
    let shapes = this.#seconds.get(second);
    if (!shapes) {
      for (const old of this.#seconds.keys()) {
        if (!old.startsWith(second.slice(0, SECOND_CHARS))) {
          this.#seconds.delete(old);
        }
      }
      this.#seconds.set(second, shapes = new Map());
    }
    const shape = message.slice(0, 300).replace(NUMBERS, "#");
    const count = (shapes.get(shape) ?? 0) + 1;
    shapes.set(shape, count);
    // Told once.
    if (count === ALIKE_MAX + 1) {
      return `logged ${count} lines alike in a second`;
    }
    const all = [...shapes.values()].reduce((sum, one) => sum + one, 0);
    return all === LINES_MAX + 1
      ? `logged ${all} lines in a second`
      : undefined;
  }

  #tail(): string {
    return JSON.stringify(this.process.stderr.slice(-2000));
  }
}
