// InnerDoor: where workers and triggers prove who they are before anything else, so that whoever
// cannot costs next to nothing.

import { MAGIC, TaskCmd, TaskOffset } from "@maple/box";
import {
  challengeFrame,
  type Conn,
  type FieldPlan,
  formatAddress,
  headOf,
  type HeadReader,
  type Incomplete,
  left,
  type OwnSocket,
  Preamble,
  PROOF_FRAME_BYTES,
  proofOf,
  randomPart,
  readInt32,
  type Verdict,
} from "@maple/box/internal";
import type { GatewayContext } from "../context.ts";
import type { Entry } from "../inner_access.ts";
import type { GatewayCounters } from "../metrics/counters.ts";
import type { InnerLinks } from "./inner_links.ts";

/** Seconds that a proof may take. */
export const PROOF_TIMEOUT = 5;
/** Bytes that are read before it. */
export const PROOF_BYTES_MAX = 1024;

// What a proof takes, and the first bytes behind it.
const USUAL_BYTES = 256;
// So much of a header tells its command and its length.
const TELLING_BYTES = TaskOffset.ret;

type Cause = keyof GatewayCounters["innerUnproven"];

interface DoorVerdict extends Verdict {
  readonly entry?: Entry;
  readonly cause?: Cause;
  /** Why it is refused. */
  readonly why?: string;
}

/** Who is at the door. */
interface Visitor {
  /** Whether it had to make room for another. */
  ousted: boolean;
  /** What it was asked. */
  readonly challenge: Uint8Array;
}

/** Who is at the door, as one process hands it to another. */
export interface VisitorPiece {
  /** The socket, whose descriptor goes along; for its reader, the one that it has taken over. */
  readonly socket: OwnSocket;
  /** The other side's address. */
  readonly hostname: string;
  /** And port. */
  readonly port: number;
  /** What has come of its proof. */
  readonly bytes: Uint8Array;
  /** What it was asked. */
  readonly challenge: Uint8Array;
}

/** How one is written. */
export const VISITOR_FIELDS: FieldPlan<VisitorPiece> = {
  socket: left("its descriptor goes along"),
  hostname: "text",
  port: "int",
  bytes: "bytes",
  challenge: "bytes",
};

/** Lets in who proves itself, and who may come without. */
export class InnerDoor {
  readonly #context: GatewayContext;
  readonly #links: InnerLinks;
  // The one that has been there for the longest time first.
  readonly #visitors = new Map<Conn, Visitor>();
  #closed = false;

  /**
   * Makes one with nobody at it.
   *
   * @param links Where those go on that are let in.
   */
  constructor(context: GatewayContext, links: InnerLinks) {
    this.#context = context;
    this.#links = links;
  }

  /** How many are at it. */
  get size(): number {
    return this.#visitors.size;
  }

  /** Takes a connection: it is let in, asked for proof or refused. */
  enter(conn: Conn): void {
    const { access, follow } = this.#context;
    const entry = access.without(conn.remoteAddr.hostname);
    if (entry) return this.#links.accept(conn, entry);
    if (!access.asks) {
      this.#refuse(conn, {
        cause: "address",
        why: "its address is not one that may come (innerOpen)",
      });
      return conn.close();
    }
    // Nobody who comes can be let in: that is told at once.
    if (this.#links.isFull) return this.#links.refuseFull(conn);
    this.#makeRoom();
    follow(this.#challenge(conn));
  }

  /** Those that are at it, for another process; nothing changes here. */
  *give(): Iterable<VisitorPiece> {
    for (const [conn, { challenge }] of this.#visitors) {
      const socket = conn.give?.()?.socket;
      const head = socket && headOf(socket);
      if (!head) continue;
      const { remoteAddr: { hostname, port }, bytes } = head;
      yield { socket, hostname, port, bytes, challenge };
    }
  }

  /** Takes one that another process has asked for proof. */
  takeOver({ socket, hostname, port, bytes, challenge }: VisitorPiece): void {
    const addr = { transport: "tcp", hostname, port } as const;
    const conn = Preamble.behind(socket, bytes, addr);
    this.#context.follow(this.#await(conn, challenge));
  }

  /** Closes all that are at it. */
  close(): void {
    this.#closed = true;
    for (const conn of this.#visitors.keys()) conn.close();
  }

  // They have no places of their own: those that have proven nothing give way to others.
  #makeRoom(): void {
    const { innerConnsMax } = this.#context.options;
    if (this.#visitors.size + this.#links.size < innerConnsMax) return;
    const [oldest] = this.#visitors;
    if (!oldest) return;
    const [conn, visitor] = oldest;
    this.#visitors.delete(conn);
    visitor.ousted = true;
    conn.close();
  }

  async #challenge(conn: Conn): Promise<void> {
    const challenge = randomPart();
    send(conn, challengeFrame(challenge));
    await this.#await(conn, challenge);
  }

  async #await(conn: Conn, challenge: Uint8Array): Promise<void> {
    const visitor: Visitor = { ousted: false, challenge };
    this.#visitors.set(conn, visitor);
    const opened = await Preamble.open(
      conn,
      this.#reader(challenge, visitor),
      (verdict) => this.#refuse(conn, verdict),
    );
    this.#visitors.delete(conn);
    if (!opened) return;
    if (this.#closed) opened.conn.close();
    else this.#links.accept(opened.conn, opened.verdict.entry!);
  }

  #refuse(
    conn: Conn,
    { cause, why }: Pick<DoorVerdict, "cause" | "why">,
  ): void {
    if (this.#closed || !cause) return;
    const { counters, logger } = this.#context;
    counters.innerUnproven[cause]++;
    const line = `${
      formatAddress(conn.remoteAddr)
    } is refused at the port for workers and triggers: ${why}`;
    // Whoever only looks whether somebody is there does so all the time.
    if (cause === "left") logger.debug(line);
    else logger.warn(line);
  }

  #reader(challenge: Uint8Array, visitor: Visitor): HeadReader<DoorVerdict> {
    return {
      usualBytes: USUAL_BYTES,
      maxBytes: PROOF_BYTES_MAX,
      timeout: PROOF_TIMEOUT,
      read: (head) => this.#judge(head, challenge),
      giveUp: (why) => incomplete(why, visitor),
    };
  }

  #judge(head: Uint8Array, challenge: Uint8Array): DoorVerdict | undefined {
    const fault = faultOf(head);
    if (fault !== undefined) return refused("frame", fault);
    if (head.length < PROOF_FRAME_BYTES) return undefined;
    const proof = proofOf(head.subarray(0, PROOF_FRAME_BYTES));
    if (!proof) return refused("frame", "its proof names no role");
    const { access } = this.#context;
    const secret = access.secretOf(proof, challenge);
    if (secret === "none") {
      return refused("role", `there is no secret of role ${proof.role}`);
    }
    if (secret === "other") {
      return refused(
        "secret",
        `it does not know a secret of role ${proof.role}`,
      );
    }
    const entry: Entry = {
      secret,
      role: secret.role,
      mac: secret.gatewayCode(proof.own, challenge),
    };
    return { accepted: true, bytes: PROOF_FRAME_BYTES, entry };
  }
}

// Why what has come is not the beginning of a proof.
function faultOf(head: Uint8Array): string | undefined {
  if (head.length < 4) return undefined;
  if (readInt32(head, 0) !== MAGIC) {
    const bytes = Array.from(
      head.subarray(0, 4),
      (byte) => byte.toString(16).padStart(2, "0"),
    );
    return `what it sends is no frame, it begins with ${bytes.join(" ")}`;
  }
  if (head.length < TELLING_BYTES) return undefined;
  const cmd = readInt32(head, TaskOffset.cmd);
  if (cmd !== TaskCmd.PROOF) {
    return `it sent command ${cmd} and has proven nothing: it has no secret, or is an original one (innerOpen names the addresses of such)`;
  }
  const length = readInt32(head, TaskOffset.packetLen);
  return length === PROOF_FRAME_BYTES
    ? undefined
    : `its proof has ${length} bytes, not ${PROOF_FRAME_BYTES}`;
}

function refused(cause: Cause, why: string): DoorVerdict {
  return { accepted: false, bytes: 0, cause, why };
}

function incomplete(why: Incomplete, { ousted }: Visitor): DoorVerdict {
  if (ousted) {
    return refused("room", "it has proven nothing yet, and others come");
  }
  return why === "ended"
    ? refused("left", "it has left before it had proven anything")
    : refused("late", `it has proven nothing within ${PROOF_TIMEOUT} s`);
}

// There is room for it in any case: it is the first that is sent.
function send(conn: Conn, frame: Uint8Array): void {
  const close = () => conn.close();
  try {
    const count = conn.write(frame);
    if (typeof count !== "number") {
      count.then((count) => count < frame.length && close(), close);
    } else if (count < frame.length) close();
  } catch {
    close();
  }
}
