// ClusterCommands: what workers and triggers of this gateway do to clients of all gateways. It is
// carried out here, and passed on once; and what others have passed on is carried out here.

import { decodeGroups, TaskCmd, TaskFlag, TaskOffset } from "@maple/box";
import {
  decodeDrain,
  decodeQuery,
  endsChain,
  hasFlag,
  type Query,
  readInt32,
  writeInt64,
} from "@maple/box/internal";
import type { GatewayContext } from "../context.ts";
import type { Commands, Sender } from "../inner/sender.ts";
import { fittingAnswer, uidsMaxOf } from "../inner/questions.ts";
import type { Cluster } from "./cluster.ts";
import { FarSender } from "./far_sender.ts";
import { Gatherings, type PartOwner, UNKNOWN } from "./gatherings.ts";
import type { Lending } from "./lending.ts";
import type { Member } from "./members.ts";

/** What workers and triggers of this gateway do to clients of all gateways. */
export class ClusterCommands implements Commands {
  readonly #context: GatewayContext;
  readonly #cluster: Cluster;
  readonly #here: Commands;
  readonly #gatherings: Gatherings;
  readonly #lending: Lending | undefined;
  readonly #far = new Map<number, FarSender>();

  /**
   * Takes what others pass on from now on.
   *
   * @param here What carries commands out at this gateway.
   */
  constructor(
    context: GatewayContext,
    { cluster, lending }: {
      readonly cluster: Cluster;
      readonly lending: Lending | undefined;
    },
    here: Commands,
  ) {
    this.#context = context;
    this.#cluster = cluster;
    this.#lending = lending;
    this.#here = here;
    const { options, counters } = context;
    this.#gatherings = new Gatherings({
      counters,
      uidsMax: () => uidsMaxOf(options),
      fitting: (receipt) => fittingAnswer(receipt, options),
    });
    cluster.on("command", (frame, from) => this.#farOf(from).take(frame));
    cluster.on("part", (frame, from) => this.#gatherings.take(frame, from));
    cluster.members.onChange(({ id }, change) => {
      if (change === "left" || change === "lost") this.#far.delete(id);
    });
  }

  /**
   * Ends all commands of others that are under way, at once.
   *
   * @param finishHere Ends those of this gateway.
   */
  finish(finishHere: () => void): void {
    do finishHere(); while (
      [...this.#far.values()].map((far) => far.finish()).includes(true)
    );
  }

  /** What is gathered, for another process. */
  get gatherings(): Gatherings {
    return this.#gatherings;
  }

  /** Gives what is gathered as far as it is there. */
  close(): void {
    this.#gatherings.close();
  }

  run(sender: Sender, frame: Uint8Array): boolean {
    if (hasFlag(frame, TaskFlag.LOCAL)) return this.#here.run(sender, frame);
    switch (readInt32(frame, TaskOffset.cmd)) {
      case TaskCmd.WRITE_TO_CLIENT:
      case TaskCmd.CLOSE_CLIENT:
      case TaskCmd.LOGIN_CLIENT:
      case TaskCmd.LOGOUT_CLIENT:
      case TaskCmd.CLEAR_CLIENT_TASKS:
        return this.#toOne(sender, frame);
      case TaskCmd.JOIN_GROUPS:
      case TaskCmd.LEAVE_GROUPS:
        return namesUsers(frame)
          ? this.#toAll(sender, frame)
          : this.#toOne(sender, frame);
      case TaskCmd.WRITE_TO_USERS:
      case TaskCmd.CLOSE_USERS:
      case TaskCmd.WRITE_TO_GROUPS:
      case TaskCmd.CLOSE_GROUPS:
        return this.#toAll(sender, frame);
      case TaskCmd.BAN:
        return this.#toAll(sender, frame, { isAnswered: true });
      case TaskCmd.QUERY:
        return this.#ask(sender, frame);
      case TaskCmd.DRAIN:
        return this.#drain(sender, frame);
      default:
        return this.#here.run(sender, frame);
    }
  }

  // Something is done to clients at all gateways, those of this one first.
  #toAll(
    sender: Sender,
    frame: Uint8Array,
    { isAnswered = false, query }: {
      readonly isAnswered?: boolean;
      readonly query?: Query;
    } = {},
  ): boolean {
    const cluster = this.#cluster;
    if (!isAnswered && !hasFlag(frame, TaskFlag.RECEIPT_WANTED)) {
      cluster.publish("command", frame);
      return this.#here.run(sender, frame);
    }
    const from: PartOwner[] = cluster.members.all();
    if (cluster.isAlone && from.length === 0) from.push(UNKNOWN);
    const about = { sender, frame, from, isOwn: true, query };
    const gathering = this.#gatherings.begin(about);
    if (!cluster.publish("command", asked(frame, gathering.no))) {
      gathering.endWaiting();
    }
    return this.#here.run(gathering, frame);
  }

  // A client is known at its own gateway only. One that leaves may have the number of this one.
  #toOne(sender: Sender, frame: Uint8Array): boolean {
    const node = readInt32(frame, TaskOffset.nodeId);
    const tag = readInt32(frame, TaskOffset.tag);
    if (node === this.#cluster.node && tag === this.#context.tag) {
      return this.#here.run(sender, frame);
    }
    const member = this.#cluster.members.get(node, tag);
    // As a client that is gone: of a gateway that is so, or of another life of it. One that has not
    // said hello yet has told no tag.
    if (!member || member.tag !== tag && member.tag !== 0) {
      return this.#here.run(sender, frame);
    }
    this.#lending?.passedOn(sender.holder, frame);
    // No chain of this sender has tasks of a client of another gateway.
    if (endsChain(frame)) sender.confirm(frame);
    const isAnswered = hasFlag(frame, TaskFlag.RECEIPT_WANTED);
    return this.#toMember(sender, frame, { member, isAnswered });
  }

  #toMember(
    sender: Sender,
    frame: Uint8Array,
    { member, isAnswered }: {
      readonly member: Member;
      readonly isAnswered: boolean;
    },
  ): true {
    const { node } = member;
    if (!isAnswered) {
      this.#cluster.send(node, "command", frame);
      return true;
    }
    const about = { sender, frame, from: [member], isOwn: false };
    const gathering = this.#gatherings.begin(about);
    if (!this.#cluster.send(node, "command", asked(frame, gathering.no))) {
      gathering.endWaiting();
    }
    return true;
  }

  // A question that cannot be read is answered here.
  #ask(sender: Sender, frame: Uint8Array): boolean {
    let query: Query;
    try {
      query = decodeQuery(frame.subarray(TaskOffset.body));
    } catch {
      return this.#here.run(sender, frame);
    }
    return this.#toAll(sender, frame, { isAnswered: true, query });
  }

  // A gateway is told to leave; which one, the body says.
  #drain(sender: Sender, frame: Uint8Array): boolean {
    const node = nodeToDrain(frame);
    const member = node === undefined || node === this.#cluster.node
      ? undefined
      : this.#cluster.members.get(node);
    return member
      ? this.#toMember(sender, frame, { member, isAnswered: true })
      : this.#here.run(sender, frame);
  }

  #farOf(member: Member): FarSender {
    const known = this.#far.get(member.id);
    if (known) return known;
    const { options, counters, logger, fanOut } = this.#context;
    const far = new FarSender(member, {
      commands: this.#here,
      cluster: this.#cluster,
      counters,
      waitingBytes: () => options.fanOutBytes,
      afterOthers: (work) => fanOut.afterOthers(work),
      holderOf: (member) => this.#lending?.holderOf(member) ?? null,
      logger,
    });
    // What nobody has heard of says no goodbye either.
    const isKnown = this.#cluster.members.sender(member) === member;
    if (isKnown) this.#far.set(member.id, far);
    return far;
  }
}

// The frame as it is passed on, where its receipt is gathered: by `custom` the part is known that
// comes back.
function asked(frame: Uint8Array, no: number): Uint8Array {
  const own = frame.slice();
  writeInt64(own, TaskOffset.custom, no);
  return own;
}

// Whether it is about the users that its body names, and not about the client of the frame. A body
// that cannot be read is told here.
function namesUsers(frame: Uint8Array): boolean {
  try {
    return decodeGroups(frame.subarray(TaskOffset.body)).uids.length > 0;
  } catch {
    return false;
  }
}

function nodeToDrain(frame: Uint8Array): number | undefined {
  try {
    return decodeDrain(frame.subarray(TaskOffset.body)).node;
  } catch {
    return undefined;
  }
}
