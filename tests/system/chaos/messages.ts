// What the clients and workers of the chaos test say to each other.

/** The commands. */
export const ChaosCmd = {
  /** Logs the client in; the body is as for WORK. */
  LOGIN: 1,
  /** Is answered with an {@linkcode Answer}. */
  WORK: 2,
  /** From a trigger, for all users. */
  BROADCAST: 3,
  /** Is answered with an {@linkcode Outcome}, when a {@linkcode Message} to a user was sent. */
  SEND: 4,
  /** A {@linkcode Message}. */
  MESSAGE: 5,
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
  /** Of an errand: what became of it, one of {@linkcode Outcome}. */
  outcome?: number;
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
  const { client, seq, pid, redelivered, outcome = 0 } = answer;
  return packNumbers([client, seq, pid, redelivered ? 1 : 0, outcome]);
}

/** An answer's body from its bytes. */
export function unpackAnswer(body: Uint8Array): Answer {
  const [client, seq, pid, redelivered, outcome] = unpackNumbers(body);
  return {
    client: client!,
    seq: seq!,
    pid: pid!,
    redelivered: redelivered === 1,
    outcome: outcome!,
  };
}

/** The body of a request that a message is sent to another user. */
export interface Errand {
  /** Who asks, from 1. */
  client: number;
  /** Which of its requests this is, from 1. */
  seq: number;
  /** The user that it is for. */
  to: number;
  /** Whether the worker wants to know what became of it. */
  receipt: boolean;
}

/** What became of an errand. */
export const Outcome = {
  /** It was sent, and nobody asked further. */
  SENT: 0,
  /** The receipt says that the user has it. */
  DELIVERED: 1,
  /** The receipt says that the user is not there. */
  OFFLINE: 2,
  /** Not all gateways have told. */
  UNKNOWN: 3,
} as const;

/** The body of a message to users. */
export interface Message {
  /** Who has sent it: a client from 1, or 0 for the trigger. */
  from: number;
  /** The user that it is for, {@linkcode TO_ALL}, or {@linkcode TO_GROUP} and a group. */
  to: number;
  /** Counts up from one message to the next of those from there to there. */
  seq: number;
  /** Drawn each time that it is sent: a message with the same one has come twice. */
  nonce: number;
}

/** In place of a user: all users. */
export const TO_ALL = 0;
/** Added to the number of a group, in place of a user. */
export const TO_GROUP = 1_000_000;
/** How many groups there are; a user is in the one that its number gives. */
export const GROUPS = 10;

/** What a group is called. */
export function groupName(user: number): string {
  return `group-${user % GROUPS}`;
}

/** The bytes of an errand. */
export function packErrand({ client, seq, to, receipt }: Errand): Uint8Array {
  return packNumbers([client, seq, to, receipt ? 1 : 0]);
}

/** An errand from its bytes. */
export function unpackErrand(body: Uint8Array): Errand {
  const [client, seq, to, receipt] = unpackNumbers(body);
  return { client: client!, seq: seq!, to: to!, receipt: receipt === 1 };
}

/** The bytes of a message. */
export function packMessage({ from, to, seq, nonce }: Message): Uint8Array {
  return packNumbers([from, to, seq, nonce]);
}

/** A message from its bytes. */
export function unpackMessage(body: Uint8Array): Message {
  const [from, to, seq, nonce] = unpackNumbers(body);
  return { from: from!, to: to!, seq: seq!, nonce: nonce! };
}

/** Drawn for a {@linkcode Message}. */
export function drawNonce(): number {
  return crypto.getRandomValues(new Uint32Array(1))[0]!;
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
