// Libc: the system's own library, by FFI, on Linux: with `passing.ts` all that calls it. Each call
// is made so that no memory can be harmed, whatever the caller does.
//
// Why that is so. A call of Deno's that is not marked `nonblocking` runs on the thread of the
// JavaScript that makes it and returns before anything else of that thread runs: nobody can detach,
// resize or move a buffer meanwhile, and nothing is collected. Its address and its length are both
// taken for the call, and the library never gets another length than the one that the buffer has at
// that moment. None of these calls keeps an address after it has returned. The only call that does
// run elsewhere meanwhile, `waitInThread`, gets memory that no JavaScript owns.
//
// Sizes (`size_t`) are declared `u32`, and results (`ssize_t`) `i32`: a 64-bit number would cost an
// object. Both processors pass a number below 2^31 alike either way, and no size above that is
// passed.

import {
  CLOEXEC,
  COMMON_CALLS,
  MSG_DONTWAIT,
  MSG_NOSIGNAL,
  openLibrary,
  SOCK_NONBLOCK,
  SOCK_STREAM,
  SOL_SOCKET,
} from "./linux.ts";
import { EVENT_BYTES_MAX, EVENT_WORDS, PollEvents } from "./poll_events.ts";
import { decodeSocketAddress, encodeSocketAddress } from "./socket_address.ts";
import { Errno, type SystemCalls } from "./system_calls.ts";
import { ERRORS } from "./system_errors.ts";

// More names and numbers of Linux.
const AF_UNIX = 1;
const AF_INET = 2;
const AF_INET6 = 10;
const SO_ACCEPTCONN = 30;
const SHUT_WR = 1;
const IPPROTO_TCP = 6;
const TCP_NODELAY = 1;

// Nobody needs more in one call, and no size above 2^31 may be passed.
const CALL_BYTES_MAX = 1 << 30;
// A `sockaddr` of any kind.
const ADDRESS_BYTES = 128;
const WORD_BYTES = 4;

const CALLS = {
  ...COMMON_CALLS,
  accept4: {
    parameters: ["i32", "buffer", "buffer", "i32"],
    result: "i32",
  },
  getsockname: { parameters: ["i32", "buffer", "buffer"], result: "i32" },
  setsockopt: {
    parameters: ["i32", "i32", "i32", "buffer", "u32"],
    result: "i32",
  },
  recv: { parameters: ["i32", "buffer", "u32", "i32"], result: "i32" },
  send: { parameters: ["i32", "buffer", "u32", "i32"], result: "i32" },
  shutdown: { parameters: ["i32", "i32"], result: "i32" },
  eventfd: { parameters: ["u32", "i32"], result: "i32" },
  socketpair: { parameters: ["i32", "i32", "i32", "buffer"], result: "i32" },
  write: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  epoll_create1: { parameters: ["i32"], result: "i32" },
  epoll_ctl: { parameters: ["i32", "i32", "i32", "buffer"], result: "i32" },
  epoll_wait: { parameters: ["i32", "buffer", "i32", "i32"], result: "i32" },
  waitInThread: {
    name: "epoll_wait",
    parameters: ["i32", "pointer", "i32", "i32"],
    result: "i32",
    nonblocking: true,
  },
} as const;

/** The system's own library, opened. */
export class Libc implements SystemCalls, Disposable {
  /** See {@linkcode SystemCalls.peer}. */
  readonly peer: Uint8Array = new Uint8Array(ADDRESS_BYTES);
  readonly #library: { close(): void };
  readonly #symbols: Deno.DynamicLibrary<typeof CALLS>["symbols"];
  // `errno` of this thread, which is the same place as long as the thread lives. It is read right
  // after the call that has failed. Were it overwritten in between, an error would be taken for
  // another, which does no harm: what is wrong with a socket its next call tells again.
  readonly #errno: Int32Array;
  readonly #length = new Uint32Array(1);
  readonly #value = new Int32Array(1);
  readonly #event = new PollEvents(1);
  // Where `waitInThread` has one event written; not JavaScript's, so it is there even when the
  // isolate ends while the thread waits.
  #waited: Deno.PointerObject | undefined;
  #waiting = false;
  #closed = false;

  private constructor(library: Deno.DynamicLibrary<typeof CALLS>) {
    this.#library = library;
    this.#symbols = library.symbols;
    const place = this.#symbols.__errno_location();
    if (!place) throw new Error("the system's library has no errno");
    this.#errno = new Int32Array(
      Deno.UnsafePointerView.getArrayBuffer(place, WORD_BYTES),
    );
  }

  /**
   * Opens it.
   *
   * @throws {Error} with the reason, where it cannot be had: this is not Linux, `--allow-ffi` is
   * missing, the library is another one.
   */
  static open(): Libc {
    const { os, arch } = Deno.build;
    if (os !== "linux") throw new Error(`it needs Linux, this is ${os}`);
    if (arch !== "x86_64" && arch !== "aarch64") {
      throw new Error(`it needs x86-64 or arm64, this is ${arch}`);
    }
    // Without asking the user.
    if (Deno.permissions.querySync({ name: "ffi" }).state !== "granted") {
      throw new Error("it needs --allow-ffi, to call the system's library");
    }
    return new Libc(openLibrary(CALLS));
  }

  /** Closes it; nothing may be called any more. May be called twice. */
  [Symbol.dispose](): void {
    if (this.#closed) return;
    if (this.#waiting) throw new Error("a thread waits in it");
    this.#closed = true;
    if (this.#waited) this.#symbols.free(this.#waited);
    this.#library.close();
  }

  /** Makes an `epoll`. */
  createPoll(): number {
    this.#check();
    return this.#result(this.#symbols.epoll_create1(CLOEXEC));
  }

  /** Adds, changes or removes a descriptor. */
  control(
    poll: number,
    operation: number,
    about: { descriptor: number; events: number; generation: number },
  ): number {
    this.#check();
    this.#event.set(0, about);
    // One event is read from a buffer of one.
    return this.#result(
      this.#symbols.epoll_ctl(
        poll,
        operation,
        about.descriptor,
        this.#event.words,
      ),
    );
  }

  /** What is ready. */
  wait(poll: number, events: PollEvents, ms: number): number {
    this.#check();
    // No more are written than the buffer has room for.
    const { words, max } = events;
    if (words.length < max * EVENT_WORDS) return -Errno.invalid;
    return this.#result(this.#symbols.epoll_wait(poll, words, max, ms));
  }

  /** Resolves when something is ready. */
  async waitInThread(poll: number, ms: number): Promise<number> {
    this.#check();
    if (this.#waiting) throw new Error("Cannot wait twice at the same time");
    this.#waited ??= this.#symbols.calloc(1, EVENT_BYTES_MAX) ?? undefined;
    if (!this.#waited) throw new Error("no memory is left");
    this.#waiting = true;
    try {
      // One event is written to memory for one, which is freed after the call only. `errno` is
      // another thread's.
      return await this.#symbols.waitInThread(poll, this.#waited, 1, ms);
    } finally {
      this.#waiting = false;
    }
  }

  /** Makes a descriptor that can be made ready. */
  createWaker(): number {
    this.#check();
    return this.#result(this.#symbols.eventfd(0, CLOEXEC | SOCK_NONBLOCK));
  }

  /** Makes two sockets that are connected with each other; undefined where it cannot. */
  socketPair(): [number, number] | undefined {
    this.#check();
    const ends = new Int32Array(2);
    // Two numbers are written to a buffer of two.
    const failed = this.#symbols.socketpair(
      AF_UNIX,
      SOCK_STREAM | SOCK_NONBLOCK | CLOEXEC,
      0,
      ends,
    );
    return failed < 0 ? undefined : [ends[0]!, ends[1]!];
  }

  /** Makes it ready for ever. */
  wake(waker: number): void {
    this.#check();
    const one = new BigUint64Array([1n]);
    // Eight bytes are read from a buffer of eight.
    this.#symbols.write(waker, one, one.byteLength);
  }

  /**
   * Opens a socket that is to listen.
   *
   * @param address A `sockaddr`.
   */
  socket(address: Uint8Array): number {
    this.#check();
    const family = address[0] === AF_INET6 ? AF_INET6 : AF_INET;
    return this.#result(
      this.#symbols.socket(family, SOCK_STREAM | SOCK_NONBLOCK | CLOEXEC, 0),
    );
  }

  /** Gives it an address, a `sockaddr`. */
  bind(descriptor: number, address: Uint8Array): number {
    this.#check();
    // As many bytes are read as the buffer has.
    return this.#result(
      this.#symbols.bind(descriptor, address, address.byteLength),
    );
  }

  /** Lets connections come. */
  listen(descriptor: number, backlog: number): number {
    this.#check();
    return this.#result(this.#symbols.listen(descriptor, backlog));
  }

  /** Accepts a connection. */
  accept(listener: number): number {
    this.#check();
    // No more is written than the length says, which is the buffer's.
    this.#length[0] = this.peer.byteLength;
    return this.#result(
      this.#symbols.accept4(
        listener,
        this.peer,
        this.#length,
        SOCK_NONBLOCK | CLOEXEC,
      ),
    );
  }

  /** The address that a socket has itself, a `sockaddr`; empty where it cannot be told. */
  addressOf(descriptor: number): Uint8Array {
    this.#check();
    const address = new Uint8Array(ADDRESS_BYTES);
    // As with `accept`.
    this.#length[0] = address.byteLength;
    const failed = this.#symbols.getsockname(
      descriptor,
      address,
      this.#length,
    );
    return failed ? new Uint8Array(0) : address;
  }

  /** Connects with a port of the process's own, whose listener takes it without anybody's help. */
  connectLoopback(port: number): number {
    this.#check();
    const descriptor = this.#result(
      this.#symbols.socket(AF_INET, SOCK_STREAM | CLOEXEC, 0),
    );
    if (descriptor < 0) return descriptor;
    const address = encodeSocketAddress("127.0.0.1", port)!;
    // As many bytes are read as the buffer has.
    const failed = this.#result(
      this.#symbols.connect(descriptor, address, address.byteLength),
    );
    if (failed === 0) {
      this.setOption(descriptor, {
        level: IPPROTO_TCP,
        name: TCP_NODELAY,
        value: 1,
      });
      return descriptor;
    }
    this.close(descriptor);
    return failed;
  }

  /** The port that a socket has itself. */
  portOf(descriptor: number): number {
    const address = this.addressOf(descriptor);
    return address.length === 0 ? 0 : decodeSocketAddress(address).port;
  }

  /** Whether a descriptor is a socket that listens. */
  isListening(descriptor: number): boolean {
    this.#check();
    // No more is written than the length says, which is the buffer's.
    this.#length[0] = this.#value.byteLength;
    this.#value[0] = 0;
    const failed = this.#symbols.getsockopt(
      descriptor,
      SOL_SOCKET,
      SO_ACCEPTCONN,
      this.#value,
      this.#length,
    );
    return failed === 0 && this.#value[0] === 1;
  }

  /** Sets an option whose value is a number. */
  setOption(
    descriptor: number,
    { level, name, value }: { level: number; name: number; value: number },
  ): number {
    this.#check();
    this.#value[0] = value;
    // As many bytes are read as the buffer has.
    return this.#result(
      this.#symbols.setsockopt(
        descriptor,
        level,
        name,
        this.#value,
        this.#value.byteLength,
      ),
    );
  }

  /** Reads into the buffer. */
  receive(descriptor: number, into: Uint8Array): number {
    this.#check();
    // 0 where the buffer was detached, which must not pass for the end of what comes.
    const length = Math.min(into.byteLength, CALL_BYTES_MAX);
    if (length === 0) return -Errno.invalid;
    // No more is written than the buffer has room for.
    return this.#result(
      this.#symbols.recv(descriptor, into, length, MSG_DONTWAIT),
    );
  }

  /** Writes some of the bytes. */
  send(descriptor: number, bytes: Uint8Array): number {
    this.#check();
    const length = Math.min(bytes.byteLength, CALL_BYTES_MAX);
    if (length === 0) return 0;
    // No more is read than the buffer has.
    return this.#result(
      this.#symbols.send(
        descriptor,
        bytes,
        length,
        MSG_DONTWAIT | MSG_NOSIGNAL,
      ),
    );
  }

  /** Tells the other side that nothing more comes. */
  endSending(descriptor: number): number {
    this.#check();
    return this.#result(this.#symbols.shutdown(descriptor, SHUT_WR));
  }

  /** Closes it. */
  close(descriptor: number): number {
    this.#check();
    return this.#result(this.#symbols.close(descriptor));
  }

  /** The error that a number stands for. */
  error(errno: number): Error {
    this.#check();
    // A text that the library keeps.
    const text = this.#symbols.strerror(errno);
    const message = `${
      text ? Deno.UnsafePointerView.getCString(text) : "Unknown error"
    } (os error ${errno})`;
    const [code, Class] = ERRORS[errno] ?? [`E${errno}`, Error];
    return Object.assign(new Class(message), { code });
  }

  #result(result: number): number {
    return result < 0 ? -this.#errno[0]! : result;
  }

  // What was closed is no longer there to be called.
  #check(): void {
    if (this.#closed) throw new Error("The system's library is closed");
  }
}
