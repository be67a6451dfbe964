// Reads all that another gateway has held, into the parts of this one, which holds nothing yet.
// Nothing is read from a socket or written to one before `begin`.

import { TaskOffset } from "@maple/box";
import {
  BaseStateReader,
  decodeQuery,
  type EnteringPiece,
  ownBytes,
  type ReadRecord,
  type RecordValues,
  type StateReaderOptions,
  takeFields,
} from "@maple/box/internal";
import type { GatheringPiece } from "../cluster/gatherings.ts";
import type { PiecePiece } from "../cluster/pieces.ts";
import type { VisitorPiece } from "../inner/inner_door.ts";
import type { InnerLink } from "../inner/inner_link.ts";
import { takeCounters } from "../metrics/counter_values.ts";
import type { ClientSession } from "../outer/client_session.ts";
import {
  QueuedTask,
  TASK_FIELDS,
  type TaskHolder,
} from "../queue/queued_task.ts";
import type { WaitsIn } from "../queue/task_queue.ts";
import { EarlyClients } from "./early_clients.ts";
import type { ClusterPieces, StateHeader } from "./format.ts";
import type { Parts } from "./parts.ts";

/** Puts into the parts of a gateway what another one has held, as it comes. */
export class StateReader extends BaseStateReader<StateHeader>
  implements Disposable {
  /** Takes the clients that are given early, if any are. */
  readonly early: EarlyClients;
  readonly #parts: Parts;
  // Those of other gateways' workers behind them.
  readonly #links: TaskHolder[] = [];
  readonly #clients: ClientSession[] = [];
  readonly #open: ClientSession[] = [];
  readonly #begin: (() => void)[] = [];

  /** Nothing has come yet. */
  constructor(parts: Parts, options: StateReaderOptions<StateHeader>) {
    super(options);
    this.#parts = parts;
    this.early = new EarlyClients({
      io: options.io,
      clients: parts.clients,
      onHeader: (header) => this.takeClocks(header),
      ownSteps: (values) => this.ownSteps(values),
    });
  }

  /** All has come. */
  override end(): void {
    super.end();
    const { dispatcher, queue } = this.#parts.context;
    dispatcher.takeOver(this.header!.parts.dispatcher, {
      links: this.#links,
      shift: this.shift,
    });
    for (const client of this.#clients) queue.room.retakeGone(client);
  }

  /** Lets go of all sockets, which whoever has brought them closes: it is not taken after all. */
  override release(): void {
    super.release();
    this.early.release();
  }

  /** The same. May be called twice. */
  [Symbol.dispose](): void {
    this.release();
  }

  /** Everything begins. */
  begin(): void {
    this.early.closeOthers();
    const { clients } = this.#parts;
    for (const begin of this.#begin) begin();
    for (const session of this.#open) clients.begin(session);
    this.#parts.context.cluster?.resume();
    // Those that could not come in any more as they did.
    this.#parts.links.recheck();
    this.#parts.context.dispatcher.pump();
  }

  protected override takeHeader(
    { parts: given, pid, tag, nodeId }: StateHeader,
  ): void {
    const { context, clients, measures } = this.#parts;
    context.tag = tag;
    clients.takeOver(given.clients, pid);
    context.clientLimits.takeOver(given.limits, this.shift);
    context.sessions.takePeak(given.sessions.peak);
    context.queue.takeOver(given.queue);
    takeCounters(context.counters, given.counters);
    measures.takeOver(given.measures);
    this.#takeCluster(given.cluster, nodeId);
  }

  #takeCluster(given: ClusterPieces | undefined, node: number): void {
    const { context, clients, clusterCommands } = this.#parts;
    const { cluster, logins, options } = context;
    if (!cluster || !given) return;
    options.nodeId = node;
    clients.setNode(node);
    cluster.takeOver(given, node);
    const again = logins!.takeOver(given.ofLogins);
    const { gatherings } = clusterCommands!;
    gatherings.takeOver(given.lastGathering);
    this.#begin.push(() => {
      again();
      gatherings.resume();
    });
  }

  protected override takeRecord({ kind, values }: ReadRecord): void {
    const { clients, door, clusterCommands } = this.#parts;
    const gatherings = clusterCommands?.gatherings;
    switch (kind) {
      case "socket":
        return this.input.keepSocket(values);
      case "link":
        return this.#takeLink(values);
      case "client":
        return this.#takeClient(values);
      case "kept":
        return this.#keep(Number(values.first), Number(values.count));
      case "task":
        return this.#takeTask(values);
      case "handshake": {
        const bytes = ownBytes(values.bytes);
        const piece = { ...values, bytes, socket: this.input.open(values) };
        this.#begin.push(() =>
          clients.enter(piece as unknown as EnteringPiece)
        );
        return;
      }
      case "visitor": {
        const socket = this.input.open(values);
        const bytes = ownBytes(values.bytes);
        const challenge = ownBytes(values.challenge);
        const piece = { ...values, bytes, challenge, socket };
        this.#begin.push(() => door.takeOver(piece as unknown as VisitorPiece));
        return;
      }
      case "far":
        this.#links.push(this.#parts.lending!.retakeHolder(values));
        return;
      case "gathering":
        return this.#takeGathering(values);
      case "part": {
        const receipt = ownBytes(values.receipt);
        gatherings!.retakePart(Number(values.no), receipt);
        return;
      }
      case "piece": {
        const bytes = ownBytes(values.bytes);
        const piece = { ...values, bytes } as unknown as PiecePiece;
        this.#parts.context.cluster!.takePiece(piece);
        return;
      }
    }
  }

  #takeLink(values: RecordValues): void {
    const { links } = this.#parts;
    const link = links.retake(values, this.input.takeSocket());
    this.#links.push(link);
    this.#begin.push(() => links.begin(link));
  }

  #takeClient(values: RecordValues): void {
    const { clients } = this.#parts;
    this.ownSteps(values);
    const piece = values.hasSocket ? this.input.takeSocket() : undefined;
    const session = clients.retake(values, piece);
    session.holder = this.#links[Number(values.holder) - 1] ?? null;
    this.#clients.push(session);
    if (values.isOpen) this.#open.push(session);
  }

  #keep(first: number, count: number): void {
    for (let no = first; no < first + count; no++) {
      const session = this.early.keep(no);
      this.#clients.push(session);
      this.#open.push(session);
    }
  }

  #takeTask(values: RecordValues): void {
    const { queue, dispatcher } = this.#parts.context;
    const session = this.#clients[Number(values.client) - 1] ?? null;
    const body = ownBytes(values.body);
    const header = ownBytes(values.header);
    const from = Number(values.from ?? 0);
    const task = from === 0
      ? new QueuedTask(Number(values.cmd), body, session, header)
      : this.#parts.lending!.retakeBorrowed(joined(header, body), from);
    takeFields(task, TASK_FIELDS, values, ["cmd", "body", "header"]);
    if (values.where === "hand") {
      dispatcher.retake(task, this.#links[Number(values.link) - 1]!);
    } else queue.retake(task, values.where as WaitsIn);
    if (!session) return;
    if (values.isFront) session.front = task;
    if (values.tellsCreated) session.created = task;
    if (values.tellsClosed) session.closed = task;
  }

  #takeGathering(values: RecordValues): void {
    const asked = values.asked as Uint8Array;
    const piece = {
      ...values,
      header: ownBytes(values.header),
      query: asked.length > 0 ? decodeQuery(ownBytes(asked)) : undefined,
    } as unknown as GatheringPiece;
    const sender = this.#links[Number(values.link) - 1] as InnerLink;
    this.#parts.clusterCommands!.gatherings.retake(piece, sender);
  }
}

// The Task of another gateway, as it has come.
function joined(header: Uint8Array, body: Uint8Array): Uint8Array {
  const frame = new Uint8Array(TaskOffset.body + body.length);
  frame.set(header);
  frame.set(body, TaskOffset.body);
  return frame;
}
