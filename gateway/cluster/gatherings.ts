// Gatherings: receipts and answers of which several gateways have a part each.

import {
  decodeReceipt,
  encodeReceipt,
  type FieldPlan,
  left,
  noReceipt,
  type Query,
  readInt64,
  type Receipt,
  UNKNOWN_NODE,
} from "@maple/box/internal";
import { TaskOffset } from "@maple/box";
import type { GatewayCounters } from "../metrics/counters.ts";
import type { Sender } from "../inner/sender.ts";
import type { Member } from "./members.ts";
import { sumParts } from "./sum_parts.ts";

/** Milliseconds that others have for their parts. */
export const GATHER_MS = 1000;
const TICK_MS = 100;

/** A gateway that has a part. One that comes for one that leaves may have its number. */
export type PartOwner = Pick<Member, "id" | "node">;

/** What stands for those that nobody knows, since the bus is away. */
export const UNKNOWN: PartOwner = { id: 0, node: UNKNOWN_NODE };

/** What {@linkcode Gatherings} works with. */
export interface GatheringsOptions {
  /** What is counted. */
  readonly counters: Pick<GatewayCounters, "clusterDropped" | "clusterMissing">;
  /** How many users one answer tells at most. */
  readonly uidsMax: () => number;
  /** Gives an answer, or why it is none where it is longer than an answer may be. */
  readonly fitting: (receipt: Receipt) => Partial<Receipt>;
}

/** What is to be gathered. */
export interface Gathered {
  /** Who gets it when all is there. */
  readonly sender: Sender;
  /** What it is for; its header is copied. */
  readonly frame: Uint8Array;
  /** The others that have a part. */
  readonly from: readonly PartOwner[];
  /** Whether this gateway has one. */
  readonly isOwn: boolean;
  /** The question, where it is one. */
  readonly query?: Query | undefined;
}

/** One that is gathered, for another process; its sender by its number. */
export interface GatheringPiece {
  /** What others call it by. */
  readonly no: number;
  /** So many ticks others still have. */
  readonly ticksLeft: number;
  /** Whether nobody else is waited for any more. */
  readonly isLate: boolean;
  /** The header of the frame that it is for. */
  readonly header: Uint8Array;
  /** The question, where it is one. */
  readonly query: Query | undefined;
  /** Who has not told, by id and node. */
  readonly waiting: readonly (readonly [id: number, node: number])[];
}

/** What of one is handed to another process; its parts are records of their own. */
export const GATHERING_FIELDS: FieldPlan<Gathering> = {
  no: "int",
  ticksLeft: "int",
  isLate: "flag",
  header: "bytes",
  query: left("as the bytes of a question"),
  waiting: "json",
  sender: left("by its number"),
  parts: left("records of their own"),
  missing: left("follows from those that are waited for"),
  name: left("follows from its sender"),
  holder: left("follows from its sender"),
};

/** What is handed over beside them. */
export const GATHERING_MORE = { link: "int", asked: "bytes" } as const;

/** How a part of one is written. */
export const PART_FIELDS: FieldPlan<{ no: number; receipt: Uint8Array }> = {
  no: "int",
  receipt: "bytes",
};

/** The parts of receipts and answers that are still gathered. */
export class Gatherings {
  readonly #options: GatheringsOptions;
  readonly #open = new Map<number, Gathering>();
  // A gateway that comes for one that leaves must not take what that has asked for.
  #lastNo = Math.floor(Math.random() * Number.MAX_SAFE_INTEGER);
  #timer: ReturnType<typeof setInterval> | undefined;

  /** Nothing is gathered. */
  constructor(options: GatheringsOptions) {
    this.#options = options;
  }

  /** How many are under way. */
  get size(): number {
    return this.#open.size;
  }

  /** Begins to gather; it ends when all have told, or when their time is over. */
  begin(gathered: Gathered): Gathering {
    const no = this.#nextNo();
    const gathering = new Gathering(no, gathered, (done) => this.#end(done));
    this.#open.set(no, gathering);
    this.#timer ??= setInterval(() => this.#tick(), TICK_MS);
    return gathering;
  }

  /** A part has come: a RECEIPT, whose `custom` says of what. One that is too late is dropped. */
  take(frame: Uint8Array, { id }: PartOwner): void {
    if (frame.length < TaskOffset.body) {
      this.#options.counters.clusterDropped.bad++;
      return;
    }
    const no = Number(readInt64(frame, TaskOffset.custom));
    const gathering = this.#open.get(no);
    if (!gathering?.waitsFor(id)) return;
    try {
      gathering.add(id, decodeReceipt(frame.subarray(TaskOffset.body)));
    } catch {
      this.#options.counters.clusterDropped.bad++;
    }
  }

  /** All that are under way, for another process. */
  all(): Iterable<Gathering> {
    return this.#open.values();
  }

  /** The number of the last one, likewise. */
  get lastNo(): number {
    return this.#lastNo;
  }

  /** Takes one that another process has begun; nobody is waited for before `resume`. */
  retake(piece: GatheringPiece, sender: Sender): void {
    const { no, header, query, waiting } = piece;
    const from = waiting.map(([id, node]) => ({ id, node }));
    const gathering = new Gathering(
      no,
      { sender, frame: header, from, isOwn: false, query },
      (done) => this.#end(done),
    );
    gathering.ticksLeft = piece.ticksLeft;
    gathering.isLate = piece.isLate;
    this.#open.set(no, gathering);
  }

  /** Takes a part that has come to one of those. */
  retakePart(no: number, receipt: Uint8Array): void {
    this.#open.get(no)?.parts.push(decodeReceipt(receipt));
  }

  /** Takes the number of the last one. */
  takeOver(lastNo: number): void {
    this.#lastNo = lastNo;
  }

  /** The others have their time from now on. */
  resume(): void {
    if (this.#open.size > 0) {
      this.#timer ??= setInterval(() => this.#tick(), TICK_MS);
    }
  }

  /** All are another process's. */
  stop(): void {
    this.#stop();
    this.#open.clear();
  }

  /** Ends all with what is there. */
  close(): void {
    this.#stop();
    for (const gathering of [...this.#open.values()]) gathering.close();
  }

  #tick(): void {
    for (const gathering of [...this.#open.values()]) {
      if (--gathering.ticksLeft === 0) gathering.endWaiting();
    }
    if (this.#open.size === 0) this.#stop();
  }

  #stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #end({ no, sender, header, query, parts, missing }: Gathering): void {
    this.#open.delete(no);
    const { uidsMax, fitting, counters } = this.#options;
    if (missing.length > 0) counters.clusterMissing++;
    const sum = sumParts(parts, query, uidsMax());
    const missingNodes = [...sum.missingNodes, ...missing];
    sender.receive(header, fitting({ ...sum, missingNodes }));
    sender.endReceipt();
  }

  #nextNo(): number {
    do this.#lastNo = this.#lastNo % Number.MAX_SAFE_INTEGER + 1; while (
      this.#open.has(this.#lastNo)
    );
    return this.#lastNo;
  }
}

/** One receipt or answer that is gathered. In place of its sender it takes this gateway's part. */
export class Gathering implements Sender {
  /** What others call it by. */
  readonly no: number;
  /** So many ticks others still have. */
  ticksLeft: number = GATHER_MS / TICK_MS;
  /** Who gets it. */
  readonly sender: Sender;
  /** The header of the frame that it is for. */
  readonly header: Uint8Array;
  /** The question, where it is one. */
  readonly query: Query | undefined;
  /** What has come. */
  readonly parts: Receipt[] = [];
  /** Whether nobody is waited for any more but this gateway. */
  isLate = false;
  readonly #waiting: Map<number, number>;
  readonly #onDone: (gathering: Gathering) => void;
  #isOwnDue: boolean;
  #isDone = false;

  /** Begins to gather. */
  constructor(
    no: number,
    { sender, frame, from, isOwn, query }: Gathered,
    onDone: (gathering: Gathering) => void,
  ) {
    this.no = no;
    this.sender = sender;
    this.header = frame.slice(0, TaskOffset.body);
    this.query = query;
    this.#waiting = new Map(from.map(({ id, node }) => [id, node]));
    this.#isOwnDue = isOwn;
    this.#onDone = onDone;
    sender.beginReceipt();
  }

  /** Who has not told, by id and node. */
  get waiting(): [id: number, node: number][] {
    return [...this.#waiting];
  }

  /** What has come, as it is written for another process. */
  *givenParts(): Generator<{ no: number; receipt: Uint8Array }> {
    for (const part of this.parts) {
      yield { no: this.no, receipt: encodeReceipt(part) };
    }
  }

  /** The nodes that have not told. */
  get missing(): number[] {
    return [...this.#waiting.values()];
  }

  /** Whether a gateway has not told yet. */
  waitsFor(id: number): boolean {
    return this.#waiting.has(id);
  }

  /** A gateway has told. */
  add(id: number, part: Receipt): void {
    this.#waiting.delete(id);
    this.parts.push(part);
    this.#endIfDone();
  }

  /** Others are waited for no more. */
  endWaiting(): void {
    this.isLate = true;
    this.#endIfDone();
  }

  /** It ends with what is there. */
  close(): void {
    this.#isOwnDue = false;
    this.endWaiting();
  }

  get name(): string {
    return this.sender.name;
  }

  get holder(): Sender["holder"] {
    return this.sender.holder;
  }

  holdBack(): void {
    this.sender.holdBack();
  }

  readOn(): void {
    this.sender.readOn();
  }

  beginReceipt(): void {}
  endReceipt(): void {}
  confirm(frame: Uint8Array): void {
    this.sender.confirm(frame);
  }

  /** Takes this gateway's own part, which comes first in the sum. */
  receive(_frame: Uint8Array, receipt: Partial<Receipt>): void {
    this.#isOwnDue = false;
    this.parts.unshift({ ...noReceipt(), ...receipt });
    this.#endIfDone();
  }

  #endIfDone(): void {
    if (this.#isDone || this.#isOwnDue) return;
    if (this.#waiting.size > 0 && !this.isLate) return;
    this.#isDone = true;
    this.#onDone(this);
  }
}
