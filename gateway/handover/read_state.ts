// Reads all that another gateway has held, into the parts of this one, which holds nothing yet.
// Nothing is read from a socket or written to one before `begin`.

import {
  type DescriptorIo,
  type EnteringPiece,
  type OwnSocket,
  type ReadRecord,
  RecordReader,
  type RecordValues,
  type SocketPiece,
  takeFields,
} from "@maple/box/internal";
import type { VisitorPiece } from "../inner/inner_door.ts";
import type { InnerLink } from "../inner/inner_link.ts";
import { takeCounters } from "../metrics/counter_values.ts";
import type { ClientSession } from "../outer/client_session.ts";
import { QueuedTask, TASK_FIELDS } from "../queue/queued_task.ts";
import type { WaitsIn } from "../queue/task_queue.ts";
import type { StateHeader } from "./format.ts";
import type { Parts } from "./parts.ts";
import type { StateTaker } from "./take.ts";

/** How the reader's world differs from the writer's. */
export interface Difference {
  /** What is added to times. */
  readonly shift: number;
  /** By what steps of the watch of clients are multiplied. */
  readonly stepFactor: number;
}

/** Puts into the parts of a gateway what another one has held, as it comes. */
export class StateReader implements StateTaker {
  readonly #parts: Parts;
  readonly #io: DescriptorIo;
  readonly #prepare: (header: StateHeader) => Difference;
  readonly #descriptors: number[] = [];
  readonly #sockets = new Map<number, OwnSocket>();
  readonly #links: InnerLink[] = [];
  readonly #clients: ClientSession[] = [];
  readonly #begin: (() => void)[] = [];
  #head = new Uint8Array(0);
  #header: StateHeader | undefined;
  #records: RecordReader | undefined;
  #difference: Difference = { shift: 0, stepFactor: 1 };
  #socket: SocketPiece | undefined;

  /**
   * @param prepare Called with the header before anything is taken; throws when it cannot be taken.
   */
  constructor(
    parts: Parts,
    io: DescriptorIo,
    prepare: (header: StateHeader) => Difference,
  ) {
    this.#parts = parts;
    this.#io = io;
    this.#prepare = prepare;
  }

  /** The header; undefined before it has come. */
  get header(): StateHeader | undefined {
    return this.#header;
  }

  /** What is added to times. */
  get shift(): number {
    return this.#difference.shift;
  }

  /** The descriptors of its listeners. */
  get listeners(): readonly number[] {
    return this.#descriptors.slice(0, this.#header!.listeners.length);
  }

  /** Some more descriptors. */
  descriptors(descriptors: readonly number[]): void {
    this.#descriptors.push(...descriptors);
  }

  /** Some more bytes. */
  bytes(bytes: Uint8Array): void {
    const records = this.#records;
    if (!records) return this.#takeHead(bytes);
    records.push(bytes);
    for (let record; (record = records.next());) this.#take(record);
  }

  /** All has come. */
  end(): void {
    if (!this.#records?.isEmpty) throw new Error("the last record is cut off");
    const { dispatcher, queue } = this.#parts.context;
    dispatcher.takeOver(this.#header!.parts.dispatcher, {
      links: this.#links,
      shift: this.#difference.shift,
    });
    for (const client of this.#clients) queue.room.retakeGone(client);
  }

  /** Lets go of all sockets: it is not taken after all. */
  release(): void {
    for (const socket of this.#sockets.values()) socket.release();
  }

  /** Everything begins. */
  begin(): void {
    for (const begin of this.#begin) begin();
    // Those that could not come in any more as they did.
    this.#parts.links.recheck();
    this.#parts.context.dispatcher.pump();
  }

  // The header, and what is behind it.
  #takeHead(bytes: Uint8Array): void {
    const head = new Uint8Array(this.#head.length + bytes.length);
    head.set(this.#head);
    head.set(bytes, this.#head.length);
    this.#head = head;
    if (head.length < 4) return;
    const end = 4 + new DataView(head.buffer).getUint32(0, true);
    if (head.length < end) return;
    const text = new TextDecoder().decode(head.subarray(4, end));
    const header: StateHeader = this.#header = JSON.parse(text);
    this.#head = new Uint8Array(0);
    this.#difference = this.#prepare(header);
    const { shift } = this.#difference;
    this.#takeParts(header, shift);
    this.#records = new RecordReader(header.layouts, shift);
    this.bytes(head.subarray(end));
  }

  #takeParts({ parts: given, tag }: StateHeader, shift: number): void {
    const { context, clients, measures } = this.#parts;
    context.tag = tag;
    clients.takeOver(given.clients);
    context.clientLimits.takeOver(given.limits, shift);
    context.sessions.takePeak(given.sessions.peak);
    context.queue.takeOver(given.queue);
    takeCounters(context.counters, given.counters);
    measures.takeOver(given.measures);
  }

  #take({ kind, values }: ReadRecord): void {
    const { clients, door } = this.#parts;
    switch (kind) {
      case "socket": {
        values.socket = this.#open(values);
        values.unread = ownOf(values.unread);
        this.#socket = values as unknown as SocketPiece;
        return;
      }
      case "link":
        return this.#takeLink(values);
      case "client":
        return this.#takeClient(values);
      case "task":
        return this.#takeTask(values);
      case "handshake": {
        const bytes = ownOf(values.bytes);
        const piece = { ...values, bytes, socket: this.#open(values) };
        this.#begin.push(() =>
          clients.enter(piece as unknown as EnteringPiece)
        );
        return;
      }
      case "visitor": {
        const socket = this.#open(values);
        const bytes = ownOf(values.bytes);
        const challenge = ownOf(values.challenge);
        const piece = { ...values, bytes, challenge, socket };
        this.#begin.push(() => door.takeOver(piece as unknown as VisitorPiece));
        return;
      }
    }
  }

  #takeLink(values: RecordValues): void {
    const { links } = this.#parts;
    const link = links.retake(values, this.#takeSocket());
    this.#links.push(link);
    this.#begin.push(() => links.begin(link));
  }

  #takeClient(values: RecordValues): void {
    const { clients } = this.#parts;
    for (const name of ["quietSteps", "slowSteps"]) {
      values[name] = Math.round(
        Number(values[name]) * this.#difference.stepFactor,
      );
    }
    const piece = values.hasSocket ? this.#takeSocket() : undefined;
    const session = clients.retake(values, piece);
    session.holder = this.#links[Number(values.holder) - 1] ?? null;
    this.#clients.push(session);
    if (values.isOpen) this.#begin.push(() => clients.begin(session));
  }

  #takeTask(values: RecordValues): void {
    const { queue, dispatcher } = this.#parts.context;
    const session = this.#clients[Number(values.client) - 1] ?? null;
    const body = ownOf(values.body);
    const header = ownOf(values.header);
    const task = new QueuedTask(Number(values.cmd), body, session, header);
    takeFields(task, TASK_FIELDS, values, ["cmd", "body", "header"]);
    if (values.where === "hand") {
      dispatcher.retake(task, this.#links[Number(values.link) - 1]!);
    } else queue.retake(task, values.where as WaitsIn);
    if (!session) return;
    if (values.isFront) session.front = task;
    if (values.tellsCreated) session.created = task;
    if (values.tellsClosed) session.closed = task;
  }

  #takeSocket(): SocketPiece {
    const piece = this.#socket;
    this.#socket = undefined;
    if (!piece) throw new Error("a socket is missing");
    return piece;
  }

  #open({ descriptor: no, hostname, port }: RecordValues): OwnSocket {
    const descriptor = this.#descriptors[Number(no)];
    if (descriptor === undefined || this.#sockets.has(descriptor)) {
      throw new Error(`descriptor ${no} is missing`);
    }
    const socket = this.#io.connection(descriptor, {
      transport: "tcp",
      hostname: String(hostname),
      port: Number(port),
    });
    this.#sockets.set(descriptor, socket);
    return socket;
  }
}

const NOTHING = new Uint8Array(0);

// The bytes of a field are valid until the next ones come.
function ownOf(bytes: unknown): Uint8Array {
  const own = bytes as Uint8Array;
  return own.length === 0 ? NOTHING : own.slice();
}
