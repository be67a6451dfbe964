// Passing: messages with descriptors between two processes of one machine, over a Unix socket: the
// system's own calls, by FFI, on Linux. What `libc.ts` says of its calls holds here as well; what
// the system is told the addresses of is memory that no JavaScript owns.

import {
  CLOEXEC,
  COMMON_CALLS,
  MSG_DONTWAIT,
  MSG_NOSIGNAL,
  openLibrary,
  SOCK_NONBLOCK,
  SOL_SOCKET,
} from "./linux.ts";
import { Errno } from "./system_calls.ts";

// More names and numbers of Linux.
const AF_UNIX = 1;
const SOCK_STREAM = 1;
const SOCK_DGRAM = 2;
const SOCK_SEQPACKET = 5;
const SO_PEERCRED = 17;
const SCM_RIGHTS = 1;
const MSG_CTRUNC = 0x08;
const MSG_TRUNC = 0x20;
const MSG_CMSG_CLOEXEC = 0x40000000;
const POLLIN = 1;
const POLLOUT = 4;
const OWNER_ONLY = 0o600;
const SIGKILL = 9;
const PRIO_PROCESS = 0;
const LAST = 19;
// So many descriptors of one user may be on their way; then the other side has to take some.
const TOO_MANY_ON_THE_WAY = 109;

/** Descriptors in one message at most; the system allows 253. */
export const DESCRIPTORS_MAX = 200;
/** Bytes in one message at most. */
export const MESSAGE_MAX: number = 64 * 1024;
/** Bytes that the path of a Unix socket may have. */
export const LOCAL_PATH_MAX = 107;

// struct msghdr, struct iovec, struct cmsghdr, then the bytes.
const HEADER_BYTES = 56;
const VECTOR_AT = HEADER_BYTES;
const CONTROL_AT = VECTOR_AT + 16;
const CONTROL_HEADER = 16;
const CONTROL_BYTES = CONTROL_HEADER + 4 * 256;
const DATA_AT = CONTROL_AT + CONTROL_BYTES;
const HEADER = { vector: 16, vectors: 24, control: 32, length: 40, flags: 48 };

const CALLS = {
  ...COMMON_CALLS,
  socketpair: {
    parameters: ["i32", "i32", "i32", "buffer"],
    result: "i32",
  },
  fchmod: { parameters: ["i32", "u32"], result: "i32" },
  sendmsg: { parameters: ["i32", "pointer", "i32"], result: "i32" },
  recvmsg: { parameters: ["i32", "pointer", "i32"], result: "i32" },
  poll: { parameters: ["buffer", "u32", "i32"], result: "i32" },
  unlink: { parameters: ["buffer"], result: "i32" },
  sendto: {
    parameters: ["i32", "buffer", "u32", "i32", "buffer", "u32"],
    result: "i32",
  },
  geteuid: { parameters: [], result: "u32" },
  kill: { parameters: ["i32", "i32"], result: "i32" },
  setpriority: { parameters: ["i32", "u32", "i32"], result: "i32" },
  fcntl: { parameters: ["i32", "i32", "i32"], result: "i32" },
} as const;

/** Whoever is at the other end of a Unix socket. */
export interface LocalPeer {
  /** Its process. */
  readonly pid: number;
  /** Its user. */
  readonly uid: number;
}

/** What has come in one message. */
export interface Received {
  /** Its bytes, which are valid until the next call. */
  readonly bytes: Uint8Array;
  /** The descriptors that came with it, which belong to this process from now on. */
  readonly descriptors: number[];
  /** Whether the system has dropped a part of it: this process may have no more descriptors. */
  readonly isCut: boolean;
}

/**
 * Messages with descriptors between two processes of one machine. What gives a number gives, where
 * the call has failed, the number of the error, negative.
 */
export class Passing implements Disposable {
  readonly #library: Deno.DynamicLibrary<typeof CALLS>;
  readonly #memory: Deno.PointerObject;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #errno: Int32Array;
  readonly #addresses: { vector: bigint; control: bigint; data: bigint };
  readonly #poll = new Int32Array(2);
  #closed = false;

  private constructor(library: Deno.DynamicLibrary<typeof CALLS>) {
    this.#library = library;
    const { calloc, __errno_location } = library.symbols;
    const memory = calloc(1, DATA_AT + MESSAGE_MAX);
    const errno = __errno_location();
    if (!memory || !errno) throw new Error("no memory is left");
    this.#memory = memory;
    this.#errno = new Int32Array(
      Deno.UnsafePointerView.getArrayBuffer(errno, 4),
    );
    this.#bytes = new Uint8Array(
      Deno.UnsafePointerView.getArrayBuffer(memory, DATA_AT + MESSAGE_MAX),
    );
    this.#view = new DataView(this.#bytes.buffer);
    const at = Deno.UnsafePointer.value(memory);
    const address = (offset: number) => BigInt(at) + BigInt(offset);
    this.#addresses = {
      vector: address(VECTOR_AT),
      control: address(CONTROL_AT),
      data: address(DATA_AT),
    };
  }

  /**
   * Opens the system's library. To be called where `Libc.open` has succeeded.
   *
   * @throws {Error} where it cannot be had.
   */
  static open(): Passing {
    return new Passing(openLibrary(CALLS));
  }

  /** Gives its memory back; nothing may be called any more. May be called twice. */
  [Symbol.dispose](): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#library.symbols.free(this.#memory);
    this.#library.close();
  }

  /**
   * Listens at a path that is this user's alone (mode 0600): the descriptor, whose `accept` does
   * not wait.
   */
  listen(path: string): number {
    const { fchmod, bind, listen } = this.#library.symbols;
    const address = localAddress(path);
    const descriptor = this.#socket(SOCK_NONBLOCK);
    if (descriptor < 0) return descriptor;
    // The file is made with the mode that the socket has: there is no moment with another one.
    const failed = this.#result(fchmod(descriptor, OWNER_ONLY)) ||
      this.#result(bind(descriptor, address, address.byteLength)) ||
      this.#result(listen(descriptor, 8));
    return failed < 0 ? this.#closeAfter(descriptor, failed) : descriptor;
  }

  /** Connects with whoever listens at a path: the descriptor. */
  connect(path: string): number {
    const address = localAddress(path);
    // Where too many wait already this one does not.
    const descriptor = this.#socket(SOCK_NONBLOCK);
    if (descriptor < 0) return descriptor;
    const failed = this.#result(
      this.#library.symbols.connect(descriptor, address, address.byteLength),
    );
    return failed < 0 ? this.#closeAfter(descriptor, failed) : descriptor;
  }

  /** Removes a path that nobody listens at any more. */
  remove(path: string): number {
    const text = new TextEncoder().encode(`${path}\0`);
    return this.#result(this.#library.symbols.unlink(text));
  }

  /** Sends a text to whoever takes such at a path, as a service manager does; nobody waits. */
  notify(path: string, text: string): number {
    const { socket, sendto } = this.#library.symbols;
    const descriptor = this.#result(socket(AF_UNIX, SOCK_DGRAM | CLOEXEC, 0));
    if (descriptor < 0) return descriptor;
    const address = localAddress(path);
    // An abstract name begins with 0 in place of @ and has no end.
    const isAbstract = path.startsWith("@");
    if (isAbstract) address[2] = 0;
    const bytes = new TextEncoder().encode(text);
    const sent = this.#result(
      sendto(
        descriptor,
        bytes,
        bytes.byteLength,
        MSG_DONTWAIT | MSG_NOSIGNAL,
        address,
        address.byteLength - (isAbstract ? 1 : 0),
      ),
    );
    this.close(descriptor);
    return Math.min(sent, 0);
  }

  /** Two ends that are connected with each other, for messages. */
  pair(): [number, number] {
    return this.#pair(SOCK_SEQPACKET);
  }

  /** The same for a stream of bytes, as that of TCP is. */
  streams(): [number, number] {
    return this.#pair(SOCK_STREAM | SOCK_NONBLOCK);
  }

  #pair(kind: number): [number, number] {
    const ends = new Int32Array(2);
    const failed = this.#result(
      this.#library.symbols.socketpair(
        AF_UNIX,
        kind | CLOEXEC,
        0,
        ends,
      ),
    );
    if (failed < 0) throw new Error(this.describe(failed));
    return [ends[0]!, ends[1]!];
  }

  /** Who is at the other end; undefined where the system does not tell. */
  peerOf(descriptor: number): LocalPeer | undefined {
    const told = new Int32Array(3);
    const length = new Uint32Array([told.byteLength]);
    const failed = this.#library.symbols.getsockopt(
      descriptor,
      SOL_SOCKET,
      SO_PEERCRED,
      told,
      length,
    );
    return failed === 0 ? { pid: told[0]!, uid: told[1]! >>> 0 } : undefined;
  }

  /** The user of this process. */
  get ownUser(): number {
    return this.#library.symbols.geteuid();
  }

  /** Ends another process at once. */
  kill(pid: number): number {
    return this.#result(this.#library.symbols.kill(pid, SIGKILL));
  }

  /** Lets all others have the processor before this thread, for good: only root could undo it. */
  comeLast(): number {
    const { setpriority } = this.#library.symbols;
    return this.#result(setpriority(PRIO_PROCESS, 0, LAST));
  }

  /**
   * Sends a message, without waiting.
   *
   * @param descriptors They stay this process's own as well.
   * @returns 0 when it is sent; `-Errno.again` when it is to be tried again.
   */
  send(
    descriptor: number,
    bytes: Uint8Array,
    descriptors: readonly number[] = [],
  ): number {
    if (bytes.length > MESSAGE_MAX || descriptors.length > DESCRIPTORS_MAX) {
      return -Errno.invalid;
    }
    this.#bytes.set(bytes, DATA_AT);
    const length = CONTROL_HEADER + 4 * descriptors.length;
    const view = this.#view;
    view.setBigUint64(CONTROL_AT, BigInt(length), true);
    view.setInt32(CONTROL_AT + 8, SOL_SOCKET, true);
    view.setInt32(CONTROL_AT + 12, SCM_RIGHTS, true);
    for (let i = 0; i < descriptors.length; i++) {
      view.setInt32(
        CONTROL_AT + CONTROL_HEADER + 4 * i,
        descriptors[i]!,
        true,
      );
    }
    this.#describe(bytes.length, descriptors.length === 0 ? 0 : length);
    const sent = this.#result(
      this.#library.symbols.sendmsg(
        descriptor,
        this.#memory,
        MSG_DONTWAIT | MSG_NOSIGNAL,
      ),
    );
    if (sent === -TOO_MANY_ON_THE_WAY) return -Errno.again;
    return Math.min(sent, 0);
  }

  /**
   * Takes the next message, without waiting.
   *
   * @returns "ended" when the other side is gone, and all that it has sent was taken; the number of
   * an error, `-Errno.again` where none is there.
   */
  receive(descriptor: number): Received | "ended" | number {
    this.#describe(MESSAGE_MAX, CONTROL_BYTES);
    const count = this.#result(
      this.#library.symbols.recvmsg(
        descriptor,
        this.#memory,
        MSG_DONTWAIT | MSG_CMSG_CLOEXEC,
      ),
    );
    if (count < 0) return count === -Errno.interrupted ? -Errno.again : count;
    if (count === 0) return "ended";
    const flags = this.#view.getInt32(HEADER.flags, true);
    return {
      bytes: this.#bytes.subarray(DATA_AT, DATA_AT + count),
      descriptors: this.#descriptors(),
      isCut: (flags & (MSG_CTRUNC | MSG_TRUNC)) !== 0,
    };
  }

  /**
   * Waits, while all else of this process stands still, until a message can be taken.
   *
   * @returns Whether it can, or the other side is gone.
   */
  waitToReceive(descriptor: number, ms: number): boolean {
    return this.#wait(descriptor, POLLIN, ms);
  }

  /** The same until one can be sent. */
  waitToSend(descriptor: number, ms: number): boolean {
    return this.#wait(descriptor, POLLOUT, ms);
  }

  /** Waits, while all else of this process stands still. */
  pause(ms: number): void {
    this.#library.symbols.poll(this.#poll, 0, Math.ceil(ms));
  }

  /** Whether a number is an open descriptor. */
  isOpen(descriptor: number): boolean {
    return this.#library.symbols.fcntl(descriptor, 1, 0) >= 0;
  }

  /** A further descriptor of the same, which children do not get. */
  copyOf(descriptor: number): number {
    // F_DUPFD_CLOEXEC
    return this.#result(this.#library.symbols.fcntl(descriptor, 1030, 0));
  }

  /** Closes one. */
  close(descriptor: number): void {
    this.#library.symbols.close(descriptor);
  }

  /** What has failed, in words. */
  describe(failed: number): string {
    const text = this.#library.symbols.strerror(-failed);
    return text ? Deno.UnsafePointerView.getCString(text) : `error ${-failed}`;
  }

  #socket(more: number): number {
    return this.#result(
      this.#library.symbols.socket(AF_UNIX, SOCK_SEQPACKET | CLOEXEC | more, 0),
    );
  }

  #closeAfter(descriptor: number, failed: number): number {
    this.close(descriptor);
    return failed;
  }

  #describe(bytes: number, control: number): void {
    const view = this.#view;
    const { vector, control: controlAt, data } = this.#addresses;
    this.#bytes.fill(0, 0, HEADER_BYTES);
    view.setBigUint64(VECTOR_AT, data, true);
    view.setBigUint64(VECTOR_AT + 8, BigInt(bytes), true);
    view.setBigUint64(HEADER.vector, vector, true);
    view.setBigUint64(HEADER.vectors, 1n, true);
    if (control === 0) return;
    view.setBigUint64(HEADER.control, controlAt, true);
    view.setBigUint64(HEADER.length, BigInt(control), true);
  }

  #descriptors(): number[] {
    const view = this.#view;
    const given = Number(view.getBigUint64(HEADER.length, true));
    if (given < CONTROL_HEADER) return [];
    const isRights = view.getInt32(CONTROL_AT + 8, true) === SOL_SOCKET &&
      view.getInt32(CONTROL_AT + 12, true) === SCM_RIGHTS;
    if (!isRights) return [];
    const length = Number(view.getBigUint64(CONTROL_AT, true));
    const descriptors: number[] = [];
    for (let at = CONTROL_HEADER; at + 4 <= length; at += 4) {
      descriptors.push(view.getInt32(CONTROL_AT + at, true));
    }
    return descriptors;
  }

  #wait(descriptor: number, events: number, ms: number): boolean {
    this.#poll[0] = descriptor;
    this.#poll[1] = events;
    return this.#library.symbols.poll(this.#poll, 1, Math.ceil(ms)) > 0;
  }

  #result(result: number): number {
    return result < 0 ? -this.#errno[0]! : result;
  }
}

function localAddress(path: string): Uint8Array<ArrayBuffer> {
  const bytes = new TextEncoder().encode(path);
  const address = new Uint8Array(2 + bytes.length + 1);
  address[0] = AF_UNIX;
  address.set(bytes, 2);
  return address;
}
