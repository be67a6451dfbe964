// Measures: how long tasks wait and are worked on, and which commands come how often.

import {
  DURATION_BOUNDS,
  Histogram,
  type HistogramData,
  turnNow,
} from "@maple/box/internal";
import type { QueuedTask } from "../queue/queued_task.ts";

/** What is known of the requests with one command. */
export interface CommandStats {
  /** The command; `other` for all that are not told one by one. */
  cmd: number | "other";
  /** Requests that were finished. */
  count: number;
  /** Seconds that workers took for them, all together. */
  seconds: number;
  /** Seconds of the longest one. */
  maxSeconds: number;
}

// A client can send any number as a command: only so many are remembered, and so many told.
const REMEMBERED_COMMANDS = 1000;
/** How many commands are told one by one. */
export const TOLD_COMMANDS = 50;

/** What one process tells another of its measures. */
export interface MeasuresPiece {
  /** Seconds that tasks have waited. */
  readonly queueTime: HistogramData;
  /** Seconds that they took. */
  readonly workTime: HistogramData;
  /** All commands that are told apart. */
  readonly commands: readonly CommandStats[];
  /** The others. */
  readonly others: CommandStats;
}

/** How long tasks wait and are worked on, and which commands come how often. */
export class Measures {
  /** Seconds that tasks have waited for a worker. */
  readonly queueTime: Histogram = new Histogram(DURATION_BOUNDS);
  /** Seconds from the delivery of a task to its acknowledgement. */
  readonly workTime: Histogram = new Histogram(DURATION_BOUNDS);
  readonly #cmdOf: (frame: Uint8Array) => number;
  readonly #commands = new Map<number, CommandStats>();
  readonly #others: CommandStats = newCommand("other");

  /** @param cmdOf Reads the command from a client's frame. */
  constructor(cmdOf: (frame: Uint8Array) => number) {
    this.#cmdOf = cmdOf;
  }

  /** A task is handed out. */
  delivered(task: QueuedTask): void {
    if (task.isBorrowed) return;
    this.queueTime.observe((task.deliveredAt - task.queuedAt) / 1000);
  }

  /** A worker has acknowledged a task. */
  acknowledged(task: QueuedTask): void {
    if (task.isBorrowed) return;
    const seconds = (turnNow() - task.deliveredAt) / 1000;
    this.workTime.observe(seconds);
    if (!task.isRequest) return;
    const stats = this.#statsOf(this.#cmdOf(task.body));
    stats.count++;
    stats.seconds += seconds;
    if (seconds > stats.maxSeconds) stats.maxSeconds = seconds;
  }

  /** The commands that came most often, and the rest as one. */
  commands(): CommandStats[] {
    const sorted = [...this.#commands.values()]
      .toSorted((a, b) => b.count - a.count);
    const told = sorted.slice(0, TOLD_COMMANDS).map((one) => ({ ...one }));
    const rest = [this.#others, ...sorted.slice(TOLD_COMMANDS)]
      .reduce((sum, one) => ({
        cmd: "other",
        count: sum.count + one.count,
        seconds: sum.seconds + one.seconds,
        maxSeconds: Math.max(sum.maxSeconds, one.maxSeconds),
      }), newCommand("other"));
    return rest.count > 0 ? [...told, rest] : told;
  }

  /** All of it, for another process. */
  give(): MeasuresPiece {
    return {
      queueTime: this.queueTime.toJSON(),
      workTime: this.workTime.toJSON(),
      commands: [...this.#commands.values()],
      others: this.#others,
    };
  }

  /** Takes that. */
  takeOver({ queueTime, workTime, commands, others }: MeasuresPiece): void {
    this.queueTime.add(queueTime);
    this.workTime.add(workTime);
    for (const one of commands) this.#commands.set(Number(one.cmd), one);
    Object.assign(this.#others, others);
  }

  #statsOf(cmd: number): CommandStats {
    const known = this.#commands.get(cmd);
    if (known) return known;
    if (this.#commands.size >= REMEMBERED_COMMANDS) return this.#others;
    const stats = newCommand(cmd);
    this.#commands.set(cmd, stats);
    return stats;
  }
}

function newCommand(cmd: number | "other"): CommandStats {
  return { cmd, count: 0, seconds: 0, maxSeconds: 0 };
}
