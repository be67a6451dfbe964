// Lending: a gateway that shares its ports and has no workers has its tasks worked on by those of
// others of its cluster. Workers of ours attach to all gateways; one of the original system, which
// knows one address, is at whichever of the gateways behind it the system has given it to.

import { Task, TaskCmd, TaskOffset } from "@maple/box";
import {
  readInt32,
  type RecordValues,
  takeFields,
  turnNow,
  writeInt32,
} from "@maple/box/internal";
import type { GatewayContext } from "../context.ts";
import type { QueuedTask, TaskHolder } from "../queue/queued_task.ts";
import { BorrowedTask } from "./borrowed_task.ts";
import type { Cluster } from "./cluster.ts";
import { FAR_FIELDS, FarWorkers } from "./far_workers.ts";
import type { Member } from "./members.ts";

// How often it is looked who has workers.
const LOOK_MS = 250;
// Tasks on their way to each worker of another gateway and in its hands: enough for it to go from
// one to the next, few enough for its own gateway's clients to be served as well.
const TASKS_PER_WORKER = 2;
const TASKS_MAX = 64;
// After another gateway has given a task back its next hello tells whether it has workers still.
const REST_MS = 1500;

/** What became of a task at the other gateway. */
const Outcome = { done: 1, lost: 2, back: 3 } as const;
const OUTCOME_AT = 4;
const OUTCOME_BYTES = 5;

/** Has tasks worked on by the workers of other gateways, and lends them those of this one. */
export class Lending {
  readonly #context: GatewayContext;
  readonly #cluster: Cluster;
  readonly #workers: () => number;
  readonly #far = new Map<number, FarWorkers>();
  // Tasks of others that are here.
  #borrowing = 0;
  #timer: ReturnType<typeof setInterval> | undefined;

  /** @param workers How many workers are attached to this gateway. */
  constructor(
    context: GatewayContext,
    { cluster, workers }: {
      readonly cluster: Cluster;
      readonly workers: () => number;
    },
  ) {
    this.#context = context;
    this.#cluster = cluster;
    this.#workers = workers;
    cluster.on("task", (frame, from) => this.#borrowed(frame, from));
    cluster.on("task-end", (body, from) => this.#ended(body, from));
    cluster.members.onChange((member, change) => {
      if (change === "left" || change === "lost") this.#gone(member);
      else if (this.#timer !== undefined) this.#look();
    });
  }

  /** It looks from now on who has workers. */
  start(): void {
    this.#timer = setInterval(() => this.#look(), LOOK_MS);
  }

  /** It looks no more; what others hold comes back as it is done. */
  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    for (const far of this.#far.values()) this.#takeCredits(far);
  }

  /** Gives back what could not be lent. */
  finish(): void {
    for (const far of this.#far.values()) far.giveUnsentBack();
  }

  /** The workers of others that hold tasks of this one or ask for some, for another process. */
  holders(): Iterable<FarWorkers> {
    return this.#far.values();
  }

  /** Takes one of those, after the members. */
  retakeHolder(values: RecordValues): FarWorkers {
    const member = this.#cluster.members.byId(Number(values.member));
    if (!member) throw new Error("workers are of a gateway that is not known");
    const far = this.#add(member);
    takeFields(far, FAR_FIELDS, values);
    return far;
  }

  /** A task of another gateway, as another process has taken it: `frame` in bytes of its own. */
  retakeBorrowed(frame: Uint8Array, id: number): BorrowedTask {
    const from = this.#cluster.members.byId(id);
    if (!from) throw new Error("a task is of a gateway that is not known");
    this.#borrowing++;
    return new BorrowedTask(frame, from);
  }

  /** All are another process's: it only looks no more. */
  leaveGiven(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** As whom another gateway holds tasks of this one; null where it holds none. */
  holderOf({ id }: Member): TaskHolder | null {
    return this.#far.get(id) ?? null;
  }

  /** A worker of here has sent a frame for a client of another gateway. */
  passedOn(holder: TaskHolder | null, frame: Uint8Array): void {
    if (
      !holder || readInt32(frame, TaskOffset.cmd) !== TaskCmd.WRITE_TO_CLIENT
    ) {
      return;
    }
    for (const task of holder.inHand) {
      if (!(task instanceof BorrowedTask) || task.answered) continue;
      if (!task.isAwaited || !task.isFor(frame)) continue;
      task.answered = true;
      return;
    }
  }

  /** A task is finished at this gateway. */
  finished(task: QueuedTask, lost: boolean): void {
    if (!(task instanceof BorrowedTask)) return;
    this.#borrowing--;
    this.#tell(task, lost ? Outcome.lost : Outcome.done);
  }

  #look(): void {
    if (this.#borrowing > 0 && this.#workers() === 0) {
      for (const task of this.#remove(() => true)) {
        this.#tell(task, Outcome.back);
      }
    }
    for (const member of this.#cluster.members.all()) {
      const far = this.#far.get(member.id);
      if (this.#mayLend(member)) this.#fill(far ?? this.#add(member));
      else if (far) this.#takeCredits(far);
    }
    this.#context.dispatcher.pump();
  }

  #mayLend({ state, workers }: Member): boolean {
    return this.#timer !== undefined && this.#workers() === 0 &&
      state === "serving" && workers > 0;
  }

  #add(member: Member): FarWorkers {
    const { counters, dispatcher } = this.#context;
    const far = new FarWorkers(
      member,
      (node, frame) => {
        counters.lent++;
        return this.#cluster.send(node, "task", frame);
      },
      (task) => {
        this.#rest(far);
        dispatcher.giveBack(far, task.deliveryId);
      },
    );
    this.#far.set(member.id, far);
    return far;
  }

  // It asks as its workers would.
  #fill(far: FarWorkers): void {
    if (turnNow() < far.restsUntil) return;
    const { dispatcher } = this.#context;
    const most = Math.min(far.member.workers * TASKS_PER_WORKER, TASKS_MAX);
    for (let i = far.credits + far.inHand.size; i < most; i++) {
      if (!dispatcher.ask(far)) return;
    }
  }

  #rest(far: FarWorkers): void {
    far.restsUntil = turnNow() + REST_MS;
    this.#takeCredits(far);
  }

  #takeCredits(far: FarWorkers): void {
    if (far.credits === 0) return;
    this.#context.dispatcher.withdraw(far);
    far.withdrawn = false;
  }

  #borrowed(frame: Uint8Array, from: Member): void {
    const { queue, dispatcher, counters } = this.#context;
    const isWhole = frame.length >= TaskOffset.body &&
      Task.frameLength(frame, 0, frame.length) === frame.length;
    if (!isWhole) {
      counters.clusterDropped.bad++;
      return;
    }
    const task = new BorrowedTask(frame, from);
    if (this.#workers() === 0 || queue.room.isTwiceFull) {
      this.#tell(task, Outcome.back);
      return;
    }
    this.#borrowing++;
    dispatcher.submit(task);
  }

  #remove(which: (task: BorrowedTask) => boolean): BorrowedTask[] {
    const removed = this.#context.queue.removeBorrowed((task) =>
      task instanceof BorrowedTask && which(task)
    ) as BorrowedTask[];
    this.#borrowing -= removed.length;
    return removed;
  }

  #ended(body: Uint8Array, from: Member): void {
    const far = this.#far.get(from.id);
    if (!far || body.length !== OUTCOME_BYTES) return;
    const { dispatcher } = this.#context;
    const id = readInt32(body, 0);
    far.seenAt = turnNow();
    switch (body[OUTCOME_AT]) {
      case Outcome.done:
        dispatcher.acknowledge(far, id);
        break;
      case Outcome.lost:
        dispatcher.giveUp(far, id);
        break;
      default:
        this.#rest(far);
        dispatcher.giveBack(far, id);
    }
    if (this.#mayLend(far.member)) this.#fill(far);
    dispatcher.pump();
  }

  #tell({ from, farId }: BorrowedTask, outcome: number): void {
    const body = new Uint8Array(OUTCOME_BYTES);
    writeInt32(body, 0, farId);
    body[OUTCOME_AT] = outcome;
    this.#cluster.send(from.node, "task-end", body);
  }

  // What it held is handed out again; what it has lent is about clients that are gone.
  #gone({ id }: Member): void {
    if (this.#borrowing > 0) this.#remove(({ from }) => from.id === id);
    const far = this.#far.get(id);
    if (!far) return;
    this.#far.delete(id);
    far.closed = true;
    this.#context.dispatcher.lost(far);
  }
}
