// EpollListener: a listener on the system's own calls.

import type { Conn } from "./conn.ts";
import { type EpollLoop, Watched } from "./epoll_loop.ts";
import { EpollSocket } from "./epoll_socket.ts";
import { keepAliveOptions } from "./keep_alive.ts";
import type { Libc } from "./libc.ts";
import { Poll } from "./poll_events.ts";
import { Errno } from "./system_calls.ts";
import {
  DEFAULT_BACKLOG,
  listenError,
  type ListenTcpOptions,
} from "./listen.ts";
import type { Listener } from "./listener.ts";
import { decodeSocketAddress, encodeSocketAddress } from "./socket_address.ts";

// Of thousands that come at the same moment, so many are let in until others have their turn.
const ACCEPTS_PER_TURN = 16;

// Numbers of Linux.
const SOL_SOCKET = 1;
const SO_REUSEADDR = 2;
const SO_KEEPALIVE = 9;
const SO_REUSEPORT = 15;
const IPPROTO_TCP = 6;
const TCP_NODELAY = 1;

interface WaitingAccept {
  readonly resolve: (conn: Conn) => void;
  readonly reject: (error: unknown) => void;
}

/** A listener on the system's own calls. */
export class EpollListener extends Watched implements Listener {
  /** Where it listens, with the real port. */
  readonly addr: Deno.NetAddr;
  #accepts = ACCEPTS_PER_TURN;
  #accepting: WaitingAccept | undefined;

  /**
   * Takes over a socket that listens.
   *
   * @param addr Where it listens.
   */
  constructor(loop: EpollLoop, descriptor: number, addr: Deno.NetAddr) {
    super(loop, descriptor);
    this.addr = addr;
  }

  /** The next connection. Only one may be asked for at a time. */
  accept(): Promise<Conn> {
    return new Promise((resolve, reject) => {
      if (this.released) throw closedError();
      if (this.#accepting) throw new Error("Cannot accept: one is awaited");
      const conn = this.#accepts > 0 ? this.#take() : undefined;
      if (conn) return resolve(conn);
      this.loop.ask(this, Poll.in);
      this.#accepting = { resolve, reject };
    });
  }

  /** Lets nobody in any more. */
  close(): void {
    this.release();
    this.#fail(closedError());
  }

  /** For the loop. */
  onReady(): void {
    this.#accepts = ACCEPTS_PER_TURN;
    // Somebody comes, and nobody wants to let him in just now.
    if (!this.#accepting) return this.loop.ask(this, 0);
    try {
      const conn = this.#take();
      if (!conn) return;
      const { resolve } = this.#accepting;
      this.#accepting = undefined;
      resolve(conn);
    } catch (error) {
      this.#fail(error);
    }
  }

  /** For the loop. */
  onLoopEnd(error: Error): void {
    this.events = 0;
    this.release();
    this.#fail(error);
  }

  #take(): EpollSocket | undefined {
    const { calls } = this.loop;
    const descriptor = calls.accept(this.descriptor);
    if (descriptor >= 0) {
      this.#accepts--;
      const from = decodeSocketAddress(calls.peer);
      return new EpollSocket(this.loop, descriptor, from);
    }
    if (descriptor === -Errno.again || descriptor === -Errno.interrupted) {
      return;
    }
    throw calls.error(-descriptor);
  }

  #fail(error: unknown): void {
    const accepting = this.#accepting;
    this.#accepting = undefined;
    accepting?.reject(error);
  }
}

/**
 * Opens one; port 0 is any free port.
 *
 * @throws {Error} with one line that names the address, when it cannot be opened.
 */
export function listenEpoll(
  { loop, libc }: { loop: EpollLoop; libc: Libc },
  { what, hostname, port }: { what: string; hostname: string; port: number },
  options: ListenTcpOptions = {},
): EpollListener {
  let descriptor = -1;
  const done = (result: number): number => {
    if (result < 0) throw libc.error(-result);
    return result;
  };
  try {
    const address = encodeSocketAddress(hostname, port) ??
      encodeSocketAddress(addressOfName(hostname), port)!;
    descriptor = done(libc.socket(address));
    for (const [level, name, value] of optionsOf(options)) {
      done(libc.setOption(descriptor, { level, name, value }));
    }
    done(libc.bind(descriptor, address));
    done(libc.listen(descriptor, options.backlog ?? DEFAULT_BACKLOG));
    const addr = decodeSocketAddress(libc.addressOf(descriptor));
    return new EpollListener(loop, descriptor, addr);
  } catch (cause) {
    if (descriptor >= 0) libc.close(descriptor);
    throw listenError(what, { hostname, port, cause });
  }
}

/** One whose socket another process has opened. */
export function listenerFrom(
  { loop, libc }: { loop: EpollLoop; libc: Libc },
  descriptor: number,
  options: ListenTcpOptions = {},
): EpollListener {
  for (const [level, name, value] of optionsOf(options)) {
    libc.setOption(descriptor, { level, name, value });
  }
  libc.listen(descriptor, options.backlog ?? DEFAULT_BACKLOG);
  const addr = decodeSocketAddress(libc.addressOf(descriptor));
  return new EpollListener(loop, descriptor, addr);
}

// Connections have them from their listener.
function optionsOf(
  { reusePort = false, keepAlive = 0 }: ListenTcpOptions,
): (readonly [number, number, number])[] {
  return [
    [SOL_SOCKET, SO_REUSEADDR, 1],
    [SOL_SOCKET, SO_REUSEPORT, reusePort ? 1 : 0],
    [IPPROTO_TCP, TCP_NODELAY, 1],
    ...(keepAlive > 0
      ? keepAliveOptions(keepAlive)
      : [[SOL_SOCKET, SO_KEEPALIVE, 1]] as const),
  ];
}

// Deno has names looked up where it listens; any port does.
function addressOfName(hostname: string): string {
  using listener = Deno.listen({ hostname, port: 0 });
  return listener.addr.hostname;
}

function closedError(): Error {
  return new Deno.errors.BadResource("The listener is closed");
}
