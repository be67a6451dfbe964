// FakeChildren: a master whose children are puppets of the test, in a time that the test moves.

import type { FakeTime } from "@std/testing/time";
import {
  type Child,
  type ChildEnd,
  type ChildStart,
  type Control,
  type ControlMessage,
  type ControlServerHandler,
  Master,
  type MasterContext,
  type MasterMessage,
  type MasterOptions,
} from "@maple/box/internal";
import { LogCollector } from "../../helpers/log_collector.ts";

/** How often a child that is well gives a sign of life. */
export const BEAT_MS = 250;

/** A child that does what the test says. */
export class FakeChild implements Child {
  /** Its number. */
  readonly index: number;
  /** By which it is known. */
  readonly token: string = crypto.randomUUID();
  /** `child 2.1`: the first one of place 2. */
  readonly name: string;
  /** What it was started with that another has left. */
  note: string | undefined;
  /** Resolves when the test lets it end. */
  readonly ended: Promise<ChildEnd>;
  /** What the master did to it. */
  readonly told: string[] = [];
  /** Whether it ends when it is told to leave. */
  leavesWhenTold = true;
  /** Whether it gives a sign of life now and then. */
  beats = true;
  readonly #send: (message: ControlMessage) => void;
  readonly #closeLine: () => void;
  #setEnded!: (end: ChildEnd) => void;

  /** @param line Gives the other end of its line. */
  constructor(index: number, name: string, line: () => ControlServerHandler) {
    this.index = index;
    this.name = name;
    this.#send = (message) => line().onMessage(this.token, message);
    this.#closeLine = () => line().onGone(this.token);
    this.ended = new Promise((resolve) => this.#setEnded = resolve);
  }

  /** Says something to its master. */
  says(message: ControlMessage): void {
    this.#send(message);
  }

  /** Has done its work, but does not end yet. */
  closesLine(): void {
    this.beats = false;
    this.#closeLine();
  }

  /** Ends by itself. */
  dies(how = "exit code 1", clean = false): void {
    this.#setEnded({ how, clean });
  }

  /** Called by the master. */
  lineGone(): void {
    this.told.push("line gone");
  }

  /** Called by the master. */
  leave(): void {
    this.told.push("leave");
    if (this.leavesWhenTold) this.dies("exit code 0", true);
  }

  /** Called by the master. */
  kill(): void {
    this.told.push("kill");
    this.dies("signal SIGKILL");
  }
}

/** A master whose children are puppets. */
export class FakeChildren {
  /** All that were ever started. */
  readonly started: FakeChild[] = [];
  /** What was logged. */
  readonly log: LogCollector = new LogCollector();
  /** What the master told its children: name and message. */
  readonly told: [string, MasterMessage][] = [];
  /** Why children cannot be started, if they can't. */
  startFault: string | undefined;
  /** Whether the lines were closed. */
  controlClosed = false;
  /** The children whose lines have no room. */
  readonly full = new Set<string>();
  /** The master. */
  readonly master: Master;
  readonly #time: FakeTime;
  #handler!: ControlServerHandler;

  /** Starts it with two children, unless `options` says otherwise. */
  constructor(
    time: FakeTime,
    { startFault, firstTold, onLoss, ...options }:
      & Partial<MasterOptions>
      & Pick<MasterContext, "firstTold" | "onLoss">
      & { startFault?: string } = {},
  ) {
    this.#time = time;
    this.startFault = startFault;
    this.master = new Master({
      workers: 2,
      workTimeoutMs: 0,
      stopTimeoutMs: 30_000,
      reloadTimeoutMs: 30_000,
      ...options,
    }, {
      logger: this.log,
      startChild: (start) => this.#start(start),
      openControl: (handler) => this.#open(handler),
      ...(firstTold && { firstTold }),
      ...(onLoss && { onLoss }),
    });
  }

  /** The child that was started last in a place. */
  latest(index: number): FakeChild {
    return this.started.findLast((child) => child.index === index)!;
  }

  /** Lets the latest of all places be ready. */
  async allReady(): Promise<void> {
    for (const { index } of this.master.processes()) {
      this.latest(index).says({ ready: true });
    }
    await this.pass(0);
  }

  /** Lets time pass, in which those children that are well give signs of life. */
  async pass(ms: number): Promise<void> {
    await this.#time.runMicrotasks();
    for (let passed = 0; passed < ms; passed += BEAT_MS) {
      for (const child of this.started) if (child.beats) child.says({});
      await this.#time.tickAsync(Math.min(BEAT_MS, ms - passed));
    }
    await this.#time.runMicrotasks();
  }

  /** The log lines since the last call. */
  logged(): string[] {
    return this.log.lines.splice(0);
  }

  /** Ends all, so that no timer is left. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.master.stopNow();
    await this.master.ended();
  }

  #start({ index, note }: ChildStart): FakeChild {
    if (this.startFault !== undefined) throw new Error(this.startFault);
    const nth = this.started.filter((one) => one.index === index).length + 1;
    const child = new FakeChild(
      index,
      `child ${index}.${nth}`,
      () => this.#handler,
    );
    child.note = note;
    this.started.push(child);
    return child;
  }

  #open(handler: ControlServerHandler): Control {
    this.#handler = handler;
    const name = (token: string) =>
      this.started.find((child) => child.token === token)!.name;
    return {
      port: 1,
      send: (token, message) => void this.told.push([name(token), message]),
      sendAll: (tokens, message) => {
        const all = [...tokens];
        for (const token of all) {
          if (!this.full.has(token)) this.told.push([name(token), message]);
        }
        return all.filter((token) => this.full.has(token));
      },
      close: () => {
        this.controlClosed = true;
        return Promise.resolve();
      },
    };
  }
}
