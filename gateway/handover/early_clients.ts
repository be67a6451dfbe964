// EarlyClients: clients that another gateway has given while it serves them. They are made, and the
// loop looks after their sockets; but nothing reads or writes these, and nobody else knows of them
// before it is told that they are as they were.

import {
  type EpollSocket,
  type ReadRecord,
  type RecordValues,
  StateInput,
  type StateInputOptions,
  type StateTaker,
} from "@maple/box/internal";
import type { ClientSession } from "../outer/client_session.ts";
import type { Clients, GivenClient } from "../outer/clients.ts";
import type { EarlyHeader } from "./format.ts";

/** A client that was made early. */
interface Early extends Pick<GivenClient, "counted" | "groups"> {
  readonly session: ClientSession;
  readonly socket: EpollSocket;
}

/** What they need. */
export interface EarlyClientsOptions
  extends Pick<StateInputOptions<EarlyHeader>, "io" | "onHeader"> {
  /** Who makes them. */
  readonly clients: Clients;
  /** The steps of a record become those of the own watch. */
  readonly ownSteps: (values: RecordValues) => void;
}

/** Clients that were given early. */
export class EarlyClients implements StateTaker {
  readonly #options: EarlyClientsOptions;
  readonly #input: StateInput<EarlyHeader>;
  // By their numbers; without those that were taken.
  readonly #made: (Early | undefined)[] = [];

  /** There are none yet. */
  constructor(options: EarlyClientsOptions) {
    this.#options = options;
    const { io, onHeader } = options;
    this.#input = new StateInput({
      ...{ io, onHeader },
      onRecord: (record) => this.#take(record),
    });
  }
  descriptors(descriptors: readonly number[]): void {
    this.#input.descriptors(descriptors);
  }
  bytes(bytes: Uint8Array): void {
    this.#input.bytes(bytes);
  }
  end(): void {
    this.#input.end();
  }

  /** One of them is as it was: it is entered now. */
  keep(no: number): ClientSession {
    const early = this.#made[no];
    if (!early) throw new Error(`client ${no} was not given early`);
    this.#made[no] = undefined;
    const { session } = early;
    this.#options.clients.reenter(session, early);
    return session;
  }

  /** Closes the descriptors of those that were not kept: they have changed, or are gone. */
  closeOthers(): void {
    for (const early of this.#made) early?.socket.release();
    this.#made.length = 0;
  }

  /** Lets go of all sockets, which whoever has brought them closes. */
  release(): void {
    this.#input.release();
  }

  #take({ kind, values }: ReadRecord): void {
    if (kind === "socket") return this.#input.keepSocket(values);
    const { clients, ownSteps } = this.#options;
    const piece = this.#input.takeSocket();
    const socket = piece.socket as EpollSocket;
    ownSteps(values);
    const session = clients.remake(values, piece);
    socket.register();
    const { counted, groups } = values as unknown as GivenClient;
    this.#made.push({ session, socket, counted, groups });
  }
}
