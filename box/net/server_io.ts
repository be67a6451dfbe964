// ServerIo: where the sockets of a server come from, Deno or the system itself.

import { DenoListener } from "./deno_listener.ts";
import {
  type EpollListener,
  listenEpoll,
  listenerFrom,
} from "./epoll_listener.ts";
import { EpollLoop } from "./epoll_loop.ts";
import { EpollSocket } from "./epoll_socket.ts";
import { afterOthers } from "./fair_turns.ts";
import { Libc } from "./libc.ts";
import type { ListenTcpOptions } from "./listen.ts";
import type { Listener } from "./listener.ts";
import type { SocketPair } from "./relay_socket.ts";

/** `deno` = Deno's own sockets; `epoll` = the system's, on Linux, by FFI. */
export type IoKind = "deno" | "epoll";

/** Takes over what another process has given. */
export interface DescriptorIo {
  /** The loop of all sockets. */
  readonly loop: EpollLoop;
  /** A connection; nothing of it is read before `run`. */
  connection(descriptor: number, from: Deno.NetAddr): EpollSocket;
  /** Two sockets for a `RelaySocket`; undefined where the system has no more. */
  pair(): SocketPair | undefined;
  /** A listener, with the settings of this process. */
  listener(descriptor: number, options?: ListenTcpOptions): EpollListener;
}

/** The words that an option `io` takes. */
export const IO_KINDS: readonly IoKind[] = ["deno", "epoll"];

/** Where the sockets of a server come from. */
export interface ServerIo {
  /**
   * Opens a listener; port 0 is any free port.
   *
   * @throws {Error} with one line that names the address, when it cannot be opened.
   */
  listen(
    at: { what: string; hostname: string; port: number },
    options?: ListenTcpOptions,
  ): Listener;
  /**
   * Calls `work`, which is a part of something long and must not throw, when all others who have
   * something ready have had their turn.
   */
  afterOthers(work: () => void): void;
  /** What can be handed from one process to another; undefined where nothing can. */
  readonly descriptors?: DescriptorIo;
  /**
   * To be called when all of its connections and listeners are closed.
   *
   * @returns When nothing of it runs any more.
   */
  close(): Promise<void>;
}

/**
 * Opens one.
 *
 * @throws {Error} with one line that says what it needs, where it cannot be had.
 */
export function openIo(kind: IoKind): ServerIo {
  return kind === "epoll" ? new EpollIo() : DENO_IO;
}

const DENO_IO: ServerIo = {
  listen: (at, options = {}) => DenoListener.listen(at, options),
  afterOthers,
  close: () => Promise.resolve(),
};

/** One loop for all servers of the thread: two would wait in turn for each other. */
interface Shared {
  readonly libc: Libc;
  readonly loop: EpollLoop;
  users: number;
}

let shared: Shared | undefined;

class EpollIo implements ServerIo {
  readonly #shared: Shared;
  #closed: Promise<void> | undefined;

  constructor() {
    this.#shared = shared ??= open();
    this.#shared.users++;
  }

  listen(
    at: { what: string; hostname: string; port: number },
    options?: ListenTcpOptions,
  ): Listener {
    return listenEpoll(this.#shared, at, options);
  }

  get descriptors(): DescriptorIo {
    const { loop } = this.#shared;
    return {
      loop,
      connection: (descriptor, from) => new EpollSocket(loop, descriptor, from),
      pair: () => {
        const ends = this.#shared.libc.socketPair();
        return ends && { loop, near: ends[0], far: ends[1] };
      },
      listener: (descriptor, options) =>
        listenerFrom(this.#shared, descriptor, options),
    };
  }

  afterOthers(work: () => void): void {
    this.#shared.loop.afterOthers(work);
  }

  close(): Promise<void> {
    return this.#closed ??= this.#close();
  }

  async #close(): Promise<void> {
    if (--this.#shared.users > 0) return;
    shared = undefined;
    await this.#shared.loop.close();
  }
}

function open(): Shared {
  let libc: Libc | undefined;
  try {
    const opened = libc = Libc.open();
    const loop = new EpollLoop(opened, {
      onOver: () => opened[Symbol.dispose](),
    });
    return { libc: opened, loop, users: 0 };
  } catch (error) {
    libc?.[Symbol.dispose]();
    throw new Error(`Cannot use io epoll: ${(error as Error).message}`);
  }
}
