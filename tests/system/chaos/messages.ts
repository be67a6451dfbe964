// What the clients and workers of the chaos test say to each other.

/** The commands. */
export const ChaosCmd = {
  /** Logs the client in; the body is as for WORK. */
  LOGIN: 1,
  /** Is answered with an {@linkcode Answer}. */
  WORK: 2,
  /** From a trigger, for all users. */
  BROADCAST: 3,
} as const;

/** The body of a request. */
export interface Work {
  /** Who asks, from 1. */
  client: number;
  /** Which of its requests this is, from 1. */
  seq: number;
  /** Milliseconds that the handler takes before it answers. */
  before: number;
  /** Milliseconds that it takes after that. */
  after: number;
}

/** The body of an answer. */
export interface Answer {
  /** As in the request. */
  client: number;
  /** As in the request. */
  seq: number;
  /** The process that has answered. */
  pid: number;
  /** Whether the request was delivered to another worker before. */
  redelivered: boolean;
}

/** The bytes of a request's body. */
export function packWork({ client, seq, before, after }: Work): Uint8Array {
  return packNumbers([client, seq, before, after]);
}

/** A request's body from its bytes. */
export function unpackWork(body: Uint8Array): Work {
  const [client, seq, before, after] = unpackNumbers(body);
  return { client: client!, seq: seq!, before: before!, after: after! };
}

/** The bytes of an answer's body. */
export function packAnswer(answer: Answer): Uint8Array {
  const { client, seq, pid, redelivered } = answer;
  return packNumbers([client, seq, pid, redelivered ? 1 : 0]);
}

/** An answer's body from its bytes. */
export function unpackAnswer(body: Uint8Array): Answer {
  const [client, seq, pid, redelivered] = unpackNumbers(body);
  return {
    client: client!,
    seq: seq!,
    pid: pid!,
    redelivered: redelivered === 1,
  };
}

/** Whole numbers from 0 to 2^32 - 1 as bytes. */
export function packNumbers(numbers: readonly number[]): Uint8Array {
  return new Uint8Array(new Uint32Array(numbers).buffer);
}

/**
 * The numbers that {@linkcode packNumbers} packed; what is left of a number that was cut off is
 * dropped.
 */
export function unpackNumbers(bytes: Uint8Array): Uint32Array {
  // The copy begins where a number may begin.
  return new Uint32Array(bytes.slice(0, bytes.length & ~3).buffer);
}
