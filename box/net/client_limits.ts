// ClientLimits: what bounds single clients and addresses, so that one cannot harm the others, the
// same for every server: its counters and its lines in the log.

import type { IpRange } from "../ip_range.ts";
import type { Logger } from "../log/logger.ts";
import {
  type AddressCause,
  type AddressesPiece,
  AddressLimits,
  type ConnectionLimits,
  type CountedAddress,
} from "./address_limits.ts";
import { addressName } from "./client_address.ts";
import {
  ClientRates,
  type RateAction,
  type RatedClient,
  type RateKind,
  type RateLimits,
} from "./client_rates.ts";
import type { CloseCause } from "./close_cause.ts";
import { LimitLog } from "./limit_log.ts";
import type { AddressCount } from "./top_addresses.ts";

/** A client that is bounded. */
export interface LimitedClient extends RatedClient {
  /** What its address counts as; undefined for one that has none. */
  readonly counted: CountedAddress | undefined;
  /** What carries its frames. */
  readonly socket: RatedClient["socket"] & {
    /** The other side's address and port. */
    readonly remoteAddr: Deno.NetAddr;
    /** Closes it at once. */
    destroy(cause: CloseCause): void;
  };
}

/** The options that bound single clients and addresses. */
export type LimitOptions = RateLimits & ConnectionLimits;

// How many addresses are told.
const NAMED = 10;
const REFUSED: Readonly<Record<AddressCause, string>> = {
  deny: "connections refused (deny)",
  ban: "connections refused (banned)",
  connsPerAddress: "connections refused (connsPerAddress)",
  connectRate: "connections refused (connectRate)",
};
const EXCEEDED: Readonly<Record<RateAction, Record<RateKind, string>>> = {
  slow: {
    frames: "times a client is read from more slowly (clientRate)",
    bytes: "times a client is read from more slowly (clientBytesRate)",
  },
  close: {
    frames: "clients closed (clientRate)",
    bytes: "clients closed (clientBytesRate)",
  },
};

/** What one process tells another of what bounds clients. */
export interface LimitsPiece extends AddressesPiece {
  /** Connections that were refused for their address. */
  readonly refused: Record<AddressCause, number>;
  /** Times that a client was slowed or closed. */
  readonly exceeded: Record<RateKind, number>;
  /** The addresses that it happened to. */
  readonly limited: readonly AddressCount[];
}

/** What bounds single clients and addresses. */
export class ClientLimits<C extends LimitedClient> {
  /** Who may connect. */
  readonly addresses: AddressLimits;
  /** How much each client may send. */
  readonly rates: ClientRates<C>;
  /** Connections that were refused for their address. */
  readonly refused: Record<AddressCause, number> = {
    deny: 0,
    ban: 0,
    connsPerAddress: 0,
    connectRate: 0,
  };
  /** Times that a client was slowed or closed, by what it sent too much of. */
  readonly exceeded: Record<RateKind, number> = { frames: 0, bytes: 0 };
  readonly #log: LimitLog;

  /**
   * Has no clients yet.
   *
   * @param options What each of them and each address may do; looked at each time.
   */
  constructor(
    options: LimitOptions,
    { deny, logger }: {
      readonly deny: readonly IpRange[];
      readonly logger: Logger;
    },
  ) {
    this.#log = new LimitLog(logger);
    this.addresses = new AddressLimits(options, {
      deny,
      onRefused: (name, cause) => {
        this.refused[cause]++;
        this.#log.add(REFUSED[cause], name);
      },
    });
    this.rates = new ClientRates(options, {
      onExceeded: ({ socket, counted }, kind) => {
        this.exceeded[kind]++;
        this.#log.add(
          EXCEEDED[options.rateAction][kind],
          counted?.name ?? addressName(socket.remoteAddr.hostname),
        );
      },
    });
  }

  /** The addresses that limits did something to most often since the start. */
  get limitedAddresses(): AddressCount[] {
    return this.#log.top(NAMED);
  }

  /** Closes those of the clients whose address is denied or banned now; gives how many. */
  closeBarred(clients: Iterable<C>): number {
    let count = 0;
    for (const { socket } of clients) {
      const cause = this.addresses.bars(socket.remoteAddr.hostname);
      if (cause === undefined) continue;
      count++;
      socket.destroy({
        kind: "barred",
        message: cause === "deny"
          ? "its address is denied (deny)"
          : "its address is banned",
      });
    }
    return count;
  }

  /** A client is closed: nothing is done to it any more. */
  closed(client: C): void {
    this.rates.forget(client);
  }

  /** Its connection has ended for good. */
  gone({ counted }: C): void {
    this.addresses.leave(counted);
  }

  /** What is known of addresses and was done to clients, for another process. */
  give(): LimitsPiece {
    return {
      ...this.addresses.give(),
      refused: { ...this.refused },
      exceeded: { ...this.exceeded },
      limited: this.#log.top(Infinity),
    };
  }

  /** Takes what another process has given; its clients are not among it. */
  takeOver(piece: LimitsPiece, shift: number): void {
    this.addresses.takeOver(piece, shift);
    Object.assign(this.refused, piece.refused);
    Object.assign(this.exceeded, piece.exceeded);
    this.#log.takeOver(piece.limited);
  }

  /** Does nothing to anybody any more. */
  stop(): void {
    this.rates.stop();
    this.#log.stop();
  }
}
