// Reads all that another process has held, into a haven server that holds nothing yet. Nothing is
// read from a socket or written to one before `begin`.

import {
  BaseStateReader,
  type EnteringPiece,
  ownBytes,
  type ReadRecord,
  type RecordValues,
  type StateReaderOptions,
  takeFields,
} from "@maple/box/internal";
import type { Kept } from "../kept.ts";
import type { ServerParts } from "../server_parts.ts";
import { type Session, SESSION_FIELDS } from "../session.ts";
import type { StateHeader } from "./format.ts";
import { takeState } from "./state_clone.ts";

// What a session has from its constructor and `setUser`.
const CONSTRUCTED = ["connId", "uid", "userdata"] as const;

/** Puts into the parts of a server what another process has held, as it comes. */
export class StateReader<F extends object, C extends object>
  extends BaseStateReader<StateHeader> {
  /** What the application has handed over beside the connections. */
  kept: Kept = {};
  readonly #parts: ServerParts<F, C>;
  readonly #sessions: Session<F, C>[] = [];
  readonly #handshakes: EnteringPiece[] = [];
  #states: ReadonlyMap<number, object> = new Map();

  /** Nothing has come yet. */
  constructor(
    parts: ServerParts<F, C>,
    options: StateReaderOptions<StateHeader>,
  ) {
    super(options);
    this.#parts = parts;
  }

  /** How many clients have come. */
  get clients(): number {
    return this.#sessions.length;
  }

  /** Everything begins; the requests that came before are the first. */
  begin(): void {
    const parts = this.#parts;
    for (const session of this.#sessions) parts.follow(session);
    parts.users.line?.begin();
    for (const session of this.#sessions) session.release();
    for (const piece of this.#handshakes) parts.enter(piece);
  }

  protected override takeHeader({ parts: given }: StateHeader): void {
    const { ids, counters, users, limits } = this.#parts;
    ids.last = given.lastId;
    Object.assign(counters, given.counters);
    users.takeOver(given.users);
    limits.takeOver(given.limits, this.shift);
  }

  protected override takeRecord({ kind, values }: ReadRecord): void {
    switch (kind) {
      case "socket":
        return this.input.keepSocket(values);
      case "client":
        return this.#takeClient(values);
      case "request":
        return this.#takeRequest(ownBytes(values.frame));
      case "handshake": {
        const bytes = ownBytes(values.bytes);
        const piece = { ...values, bytes, socket: this.input.open(values) };
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

  #takeRequest(frame: Uint8Array): void {
    const session = this.#sessions.at(-1);
    if (!session) throw new Error("a request is of nobody");
    session.takeWaiting(frame);
  }

  #takeClient(values: RecordValues): void {
    const { limits, users, places } = this.#parts;
    this.ownSteps(values);
    const session = this.#parts.retake({
      connId: Number(values.connId),
      state: this.#states.get(Number(values.connId)),
      counted: limits.addresses.rejoin(String(values.counted)),
      piece: this.input.takeSocket(),
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
