// SystemCalls: the calls that sockets and their loop make, and the errors that they tell apart.

import type { PollEvents } from "./poll_events.ts";

/** Errors of the system that are told apart. */
export const Errno = {
  interrupted: 4,
  again: 11,
  badDescriptor: 9,
  invalid: 22,
} as const;

/**
 * The calls that sockets and their loop make. What gives a number gives, where the call has failed,
 * the number of the error, negative.
 */
export interface SystemCalls {
  /** Makes an `epoll`; gives its descriptor. */
  createPoll(): number;
  /** Adds, changes or removes a descriptor, one of {@linkcode PollOperation}. */
  control(
    poll: number,
    operation: number,
    about: { descriptor: number; events: number; generation: number },
  ): number;
  /** What is ready, after at most `ms` milliseconds, in which all else stands still. */
  wait(poll: number, events: PollEvents, ms: number): number;
  /**
   * Resolves when something is ready, or after `ms` milliseconds; what it is, `wait` tells. Only
   * one at a time.
   */
  waitInThread(poll: number, ms: number): Promise<number>;
  /** Makes a descriptor that is ready for reading once {@linkcode SystemCalls.wake} was called. */
  createWaker(): number;
  /** Makes it ready for ever. */
  wake(waker: number): void;
  /** Accepts a connection: its descriptor. Whose it is, {@linkcode SystemCalls.peer} tells. */
  accept(listener: number): number;
  /** The address of whom `accept` has accepted last. It is valid until the next. */
  readonly peer: Uint8Array;
  /** Reads into the buffer: how many bytes, 0 = the other side has ended its sending. */
  receive(descriptor: number, into: Uint8Array): number;
  /** Writes some of the bytes: how many. */
  send(descriptor: number, bytes: Uint8Array): number;
  /** Tells the other side that nothing more comes. */
  endSending(descriptor: number): number;
  /** Connects with a port of the process's own: the descriptor. */
  connectLoopback(port: number): number;
  /** The port that a socket has itself; 0 where it cannot be told. */
  portOf(descriptor: number): number;
  /** Closes it: its number may be another's from then on. */
  close(descriptor: number): number;
  /** The error that a number stands for, as Deno throws it. */
  error(errno: number): Error;
}
