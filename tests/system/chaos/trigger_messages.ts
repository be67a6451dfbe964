// TriggerMessages: a trigger that writes to users, groups and all without pause, by number.

import { Box } from "@maple/box";
import { SILENT } from "@maple/box/internal";
import { Trigger } from "@maple/trigger";
import type { Address } from "../../helpers/raw_peer.ts";
import type { Random } from "../../helpers/random.ts";
import type { Deliveries } from "./deliveries.ts";
import type { ChaosEvents } from "./events.ts";
import {
  ChaosCmd,
  drawNonce,
  groupName,
  GROUPS,
  packMessage,
  TO_ALL,
  TO_GROUP,
} from "./messages.ts";

/** What it works with. */
export interface TriggerMessagesContext {
  /** The gateway that it is told of; the others it learns there. */
  readonly seed: Address;
  /** How many users there are, from 1. */
  readonly users: number;
  /** What is checked of messages. */
  readonly deliveries: Deliveries;
  /** Where faults are noted. */
  readonly events: ChaosEvents;
  /** By which it chooses whom to write to. */
  readonly random: Random;
}

const PAUSE_MS = 10;

/** A trigger that writes without pause. */
export class TriggerMessages implements AsyncDisposable {
  /** Messages that a gateway has taken. */
  taken = 0;
  /** Messages that none has taken. */
  untaken = 0;
  readonly #context: TriggerMessagesContext;
  readonly #trigger: Trigger;
  readonly #lastSeq = new Map<number, number>();
  #running: Promise<void> | undefined;
  readonly #calls = new Set<Promise<void>>();
  #isOver = false;

  /** Nothing is written before `start` or `write`. */
  constructor(context: TriggerMessagesContext) {
    this.#context = context;
    const { hostname, port } = context.seed;
    // What it cannot tell whether it was taken is not sent again: it would come twice.
    this.#trigger = new Trigger(Box, hostname, port, {
      ensure: false,
      logger: SILENT,
    });
  }

  /** Begins to write to anybody. */
  start(): void {
    this.#running = this.#run();
  }

  /** Sends no more; resolves when all that was sent is taken or not. */
  async stop(): Promise<void> {
    this.#isOver = true;
    await this.#running;
    await Promise.all(this.#calls);
    await this.#trigger.close();
  }

  /** The same. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #run(): Promise<void> {
    while (!this.#isOver) {
      const call = this.write(this.#choose());
      this.#calls.add(call);
      call.then(() => this.#calls.delete(call));
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }

  #choose(): number {
    const { random, users } = this.#context;
    const dice = random.between(1, 20);
    const user = random.between(1, users);
    if (dice === 1) return TO_ALL;
    return dice < 5 ? TO_GROUP + user % GROUPS : user;
  }

  /** Writes the next message to a user, or as `to` of a message says. */
  async write(to: number): Promise<void> {
    const { deliveries, events } = this.#context;
    const seq = (this.#lastSeq.get(to) ?? 0) + 1;
    this.#lastSeq.set(to, seq);
    const message = { from: 0, to, seq, nonce: drawNonce() };
    const box = { cmd: ChaosCmd.MESSAGE, body: packMessage(message) };
    const sentAt = performance.now();
    try {
      const isTaken = to === TO_ALL
        ? await this.#trigger.writeToUsers([[[-1], box]])
        : to >= TO_GROUP
        ? await this.#trigger.writeToGroups([[[groupName(to - TO_GROUP)], box]])
        : await this.#trigger.writeToUsers([[[to], box]]);
      if (!isTaken) throw new Error("not taken");
      this.taken++;
      deliveries.expect(message, sentAt, true);
    } catch (error) {
      this.untaken++;
      events.note(`TRIGGER ${to} number ${seq}: ${(error as Error).message}`);
    }
  }
}
