// Reads all that another process has held, into a haven server that holds nothing yet. Nothing is
// read from a socket or written to one before `begin`.

import {
  type DescriptorIo,
  type EnteringPiece,
  ownBytes,
  type ReadRecord,
  type RecordValues,
  StateInput,
  type StateTaker,
  takeFields,
} from "@maple/box/internal";
import type { Kept } from "../kept.ts";
import type { ServerParts } from "../server_parts.ts";
import { type Session, SESSION_FIELDS } from "../session.ts";
import type { StateHeader } from "./format.ts";
import { takeState } from "./state_clone.ts";

/** How the reader's world differs from the writer's. */
export interface Difference {
  /** What is added to times. */
  readonly shift: number;
  /** By what steps of the watch of clients are multiplied. */
  readonly stepFactor: number;
}

// What a session has from its constructor and `setUser`.
const CONSTRUCTED = ["connId", "uid", "userdata"] as const;

/** Puts into the parts of a server what another process has held, as it comes. */
export class StateReader<F extends object, C extends object>
  implements StateTaker {
  /** What the application has handed over beside the connections. */
  kept: Kept = {};
  readonly #parts: ServerParts<F, C>;
  readonly #input: StateInput<StateHeader>;
  readonly #sessions: Session<F, C>[] = [];
  readonly #handshakes: EnteringPiece[] = [];
  #states: ReadonlyMap<number, object> = new Map();
  #difference: Difference = { shift: 0, stepFactor: 1 };

  /**
   * Nothing has come yet.
   *
   * @param prepare Called with the header before anything is taken; throws when it cannot be taken.
   */
  constructor(
    parts: ServerParts<F, C>,
    io: DescriptorIo,
    prepare: (header: StateHeader) => Difference,
  ) {
    this.#parts = parts;
    this.#input = new StateInput({
      io,
      onHeader: (header) => {
        this.#difference = prepare(header);
        this.#takeParts(header);
        return this.#difference.shift;
      },
      onRecord: (record) => this.#take(record),
    });
  }

  /** The header; undefined before it has come. */
  get header(): StateHeader | undefined {
    return this.#input.header;
  }

  /** The descriptors of its listeners. */
  get listeners(): readonly number[] {
    return this.#input.listeners;
  }

  /** How many clients have come. */
  get clients(): number {
    return this.#sessions.length;
  }

  /** Some more descriptors. */
  descriptors(descriptors: readonly number[]): void {
    this.#input.descriptors(descriptors);
  }

  /** Some more bytes. */
  bytes(bytes: Uint8Array): void {
    this.#input.bytes(bytes);
  }

  /** All has come. */
  end(): void {
    this.#input.end();
  }

  /** Lets go of all sockets: it is not taken after all. */
  release(): void {
    this.#input.release();
  }

  /** Everything begins; the requests that came before are the first. */
  begin(): void {
    const parts = this.#parts;
    for (const session of this.#sessions) parts.follow(session);
    for (const session of this.#sessions) session.release();
    for (const piece of this.#handshakes) parts.enter(piece);
  }

  #takeParts({ parts: given }: StateHeader): void {
    const { ids, counters, users, limits } = this.#parts;
    ids.last = given.lastId;
    Object.assign(counters, given.counters);
    users.takeOver(given.users);
    limits.takeOver(given.limits, this.#difference.shift);
  }

  #take({ kind, values }: ReadRecord): void {
    switch (kind) {
      case "socket":
        return this.#input.keepSocket(values);
      case "client":
        return this.#takeClient(values);
      case "request":
        return this.#sessions.at(-1)!.takeWaiting(ownBytes(values.frame));
      case "handshake": {
        const bytes = ownBytes(values.bytes);
        const piece = { ...values, bytes, socket: this.#input.open(values) };
        this.#handshakes.push(piece as unknown as EnteringPiece);
        return;
      }
      case "app": {
        const { kept, states } = takeState(ownBytes(values.state));
        this.kept = kept;
        this.#states = states;
      }
    }
  }

  #takeClient(values: RecordValues): void {
    const { limits, users, places } = this.#parts;
    for (const name of ["quietSteps", "slowSteps"]) {
      values[name] = Math.round(
        Number(values[name]) * this.#difference.stepFactor,
      );
    }
    const session = this.#parts.retake({
      connId: Number(values.connId),
      state: this.#states.get(Number(values.connId)),
      counted: limits.addresses.rejoin(String(values.counted)),
      piece: this.#input.takeSocket(),
    });
    const { uid, userdata } = values as unknown as Session<F, C>;
    session.setUser(uid, userdata);
    takeFields(
      session as unknown as Session<object, object>,
      SESSION_FIELDS,
      values,
      CONSTRUCTED,
    );
    session.takeOver({ paused: values.paused === true, waiting: [] });
    users.retake(session, (values.groups ?? []) as string[]);
    places.take(session);
    if (session.slowed) limits.rates.resume(session);
    this.#sessions.push(session);
  }
}
