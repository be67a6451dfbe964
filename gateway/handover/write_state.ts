// Writes all that a gateway holds, for the one that takes its place, a piece at a time. Nothing
// changes here: whoever has written it can go on as if nothing had been.

import {
  encodeQuery,
  type OwnSocket,
  type SocketPiece,
  StateOutput,
  type StateSink,
} from "@maple/box/internal";
import { BorrowedTask } from "../cluster/borrowed_task.ts";
import type { FarWorkers } from "../cluster/far_workers.ts";
import type { InnerLink } from "../inner/inner_link.ts";
import type { ClientSession } from "../outer/client_session.ts";
import type { LinkNo, QueuedTask, TaskHolder } from "../queue/queued_task.ts";
import { writeClient, writeSocket } from "./client_records.ts";
import type { EarlyClientCopy } from "./early_copy.ts";
import { LAYOUTS, type RecordKind, type StateHeader } from "./format.ts";
import type { Parts } from "./parts.ts";

const NO_GROUPS = undefined;
const NOTHING = new Uint8Array(0);
// After so many the other side is told, so that it has something to do.
const RUN_MAX = 1000;

/** What goes along, and what does not. */
export interface Given {
  /** The sockets that go along. */
  readonly sockets: readonly OwnSocket[];
  /** The clients whose connections cannot. */
  readonly left: readonly ClientSession[];
}

/**
 * Writes it, see `StateOutput`.
 *
 * @param listeners The descriptors of the listeners, which are the first.
 * @param early The clients that the other process has got already.
 */
export function writeState(
  { parts, header, listeners, early }: {
    readonly parts: Parts;
    readonly early?: EarlyClientCopy | undefined;
    readonly header: (linkNo: LinkNo) => StateHeader;
    readonly listeners: readonly number[];
  },
  sink: StateSink,
): Given {
  const output = new StateOutput<RecordKind>(LAYOUTS, listeners, sink);
  return new StateWriter(parts, output, early).write(header);
}

class StateWriter {
  readonly #parts: Parts;
  readonly #output: StateOutput<RecordKind>;
  readonly #links = new Map<TaskHolder, number>();
  readonly #clients = new Map<object, number>();
  readonly #left: ClientSession[] = [];

  readonly #early: EarlyClientCopy | undefined;
  // Clients in a row that are as they were given early.
  #run = { first: 0, count: 0 };

  constructor(
    parts: Parts,
    output: StateOutput<RecordKind>,
    early: EarlyClientCopy | undefined,
  ) {
    this.#parts = parts;
    this.#output = output;
    this.#early = early;
  }

  write(header: (linkNo: LinkNo) => StateHeader): Given {
    const { links, context: { sessions } } = this.#parts;
    const pieces = new Map<InnerLink, SocketPiece>();
    for (const link of links.all()) {
      const piece = link.socket.give?.();
      // One that is closing has nothing left but its last bytes.
      if (!piece) continue;
      this.#links.set(link, this.#links.size);
      pieces.set(link, piece);
    }
    for (const far of this.#far()) {
      this.#links.set(far, this.#links.size);
    }
    this.#output.header(header((link) => this.#links.get(link)!));
    for (const [link, piece] of pieces) {
      this.#socket(piece);
      this.#write("link", link, links.give(link));
    }
    this.#farWorkers();
    for (const session of sessions.all()) {
      if (!this.#keeps(session)) this.#client(session, true);
    }
    this.#endRun();
    this.#tasks();
    this.#unproven();
    this.#ofCluster();
    this.#output.flush();
    return { sockets: this.#output.sockets, left: this.#left };
  }

  #keeps(session: ClientSession): boolean {
    const given = this.#early?.asGiven(session);
    if (!given) return false;
    this.#output.goesAlong(given.piece.socket);
    this.#clients.set(session, this.#clients.size);
    const { first, count } = this.#run;
    if (first + count !== given.no) this.#endRun();
    if (this.#run.count === 0) this.#run.first = given.no;
    if (++this.#run.count < RUN_MAX) return true;
    this.#endRun();
    this.#output.flush();
    return true;
  }

  #endRun(): void {
    if (this.#run.count > 0) this.#write("kept", this.#run, {});
    this.#run.count = 0;
  }

  #client(session: ClientSession, isOpen: boolean): void {
    this.#endRun();
    const { context: { groups } } = this.#parts;
    const { socket, holder, chain } = session;
    const piece = isOpen ? socket.give?.() : undefined;
    if (piece) this.#socket(piece);
    else if (isOpen) this.#left.push(session);
    this.#clients.set(session, this.#clients.size);
    writeClient(this.#output, session, {
      isOpen,
      piece,
      holder: chain > 0 && holder ? noOf(this.#links, holder) : 0,
      groups: isOpen && session.groups ? groups.namesOf(session) : NO_GROUPS,
    });
  }

  // In the order in which they stand: those that are ready, behind others, in workers' hands.
  #tasks(): void {
    const { context: { queue } } = this.#parts;
    const ready = [...queue.ready()];
    const holders = [...this.#parts.links.all(), ...this.#far()];
    const held = holders.flatMap(({ inHand }) => [...inHand]);
    // Clients that are gone, of which tasks are left.
    for (const { session } of [...ready, ...held]) {
      if (session && !this.#clients.has(session)) {
        this.#client(session as ClientSession, false);
      }
    }
    for (const task of ready) this.#task(task, queue.whereIs(task));
    for (const session of this.#clients.keys()) {
      for (const task of (session as ClientSession).behind) {
        this.#task(task, "behind");
      }
    }
    for (const task of held) this.#task(task, "hand");
  }

  #task(task: QueuedTask, where: string): void {
    const { session, link } = task;
    this.#write("task", task, {
      client: session ? noOf(this.#clients, session) : 0,
      link: link ? noOf(this.#links, link) : 0,
      where,
      isFront: session?.front === task,
      tellsCreated: session?.created === task,
      tellsClosed: session?.closed === task,
      from: task instanceof BorrowedTask ? task.from.id : 0,
    });
  }

  #far(): Iterable<FarWorkers> {
    return this.#parts.lending?.holders() ?? [];
  }

  // They stand behind the links, with which they are numbered.
  #farWorkers(): void {
    for (const far of this.#far()) {
      this.#write("far", far, { member: far.member.id });
    }
  }

  // What is gathered of other gateways, and what has come of them and is not whole.
  #ofCluster(): void {
    const { clusterCommands, context: { cluster } } = this.#parts;
    for (const gathering of clusterCommands?.gatherings.all() ?? []) {
      const link = this.#links.get(gathering.sender as InnerLink);
      // Whoever has asked is gone.
      if (link === undefined) continue;
      const { query } = gathering;
      this.#write("gathering", gathering, {
        link: link + 1,
        asked: query ? encodeQuery(query) : NOTHING,
      });
      for (const part of gathering.givenParts()) this.#write("part", part, {});
    }
    for (const piece of cluster?.givePieces() ?? []) {
      this.#write("piece", piece, {});
    }
  }

  // Those that have a place and are no clients or links yet.
  #unproven(): void {
    const { clients, door } = this.#parts;
    for (const piece of clients.entering()) {
      this.#write("handshake", piece, this.#output.descriptorOf(piece.socket));
    }
    for (const piece of door.give()) {
      this.#write("visitor", piece, this.#output.descriptorOf(piece.socket));
    }
  }

  #socket(piece: SocketPiece): void {
    writeSocket(this.#output, piece, this.#output.descriptorOf(piece.socket));
  }

  #write(kind: RecordKind, values: object, more: object): void {
    this.#output.write(kind, values, more);
  }
}

// From 1: 0 is none.
function noOf(of: ReadonlyMap<object, number>, one: object): number {
  const no = of.get(one);
  if (no === undefined) throw new Error("a task is of nobody who goes along");
  return no + 1;
}
