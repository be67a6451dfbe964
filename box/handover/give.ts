// giveAll(): hands all that a process holds to the one that takes its place. It is done in one go:
// no timer, no read and no write of this process comes in between, so that whatever happens, this
// one is as it was and can go on.

import type { LocalPeer, Passing } from "../net/passing.ts";
import {
  type DescriptorChannel,
  Message,
  PeerGone,
  PeerLate,
  textOf,
} from "./descriptor_channel.ts";
import { MessageSink } from "./message_sink.ts";
import type { StateSink } from "./state_sink.ts";

/** Writes what is handed over. */
export type Write = (sink: StateSink) => void;

/** What came of it. */
export type Outcome =
  /** It is the other one's. */
  | { readonly kind: "given" }
  /** It is still this one's. `told` = the other one knows that it is not to touch it. */
  | { readonly kind: "kept"; readonly why: string; readonly told: boolean };

/** How long the other one may take for its last word, before it is ended. */
const LAST_WORD_MS = 5000;

/**
 * Hands it over.
 *
 * @param write Called once nothing moves any more. The descriptors stay this process's own as well.
 * @param timeoutMs How long the other one may take.
 */
export function giveAll(
  { passing, channel, peer }: {
    readonly passing: Passing;
    readonly channel: DescriptorChannel;
    readonly peer: LocalPeer;
  },
  write: Write,
  timeoutMs: number,
): Outcome {
  channel.deadline = performance.now() + timeoutMs;
  const why = offerAll(channel, write, timeoutMs);
  if (why !== undefined) {
    return { kind: "kept", why, told: keep(channel) };
  }
  return lastWord(channel, () => passing.kill(peer.pid));
}

// Why the other one does not take it; undefined when it does, and was told that it may.
function offerAll(
  channel: DescriptorChannel,
  write: Write,
  timeoutMs: number,
): string | undefined {
  try {
    const sink = new MessageSink((...message) => channel.send(...message));
    write(sink);
    channel.sendJson(Message.END, sink.sent);
    const answer = channel.receive();
    if (answer.kind === Message.REFUSE) return textOf(answer);
    if (answer.kind !== Message.MINE) return "it says what makes no sense";
    channel.send(Message.YOURS);
    return undefined;
  } catch (error) {
    if (error instanceof PeerGone) return "it has ended";
    if (error instanceof PeerLate) {
      return `it has taken longer than ${timeoutMs / 1000} s (handoverTimeout)`;
    }
    return (error as Error).message;
  }
}

/** Tells the other one that it is not to touch anything; false where there is no room for it. */
export function keep(channel: DescriptorChannel): boolean {
  channel.deadline = 0;
  try {
    channel.send(Message.KEEP);
    return true;
  } catch (error) {
    return error instanceof PeerGone;
  }
}

// It may go on at any moment now, and says so before it does anything. If it has died before that
// it has touched nothing. If it does not move it must not begin to later: then it is ended.
function lastWord(channel: DescriptorChannel, end: () => void): Outcome {
  for (;;) {
    channel.deadline = performance.now() + LAST_WORD_MS;
    try {
      channel.receive();
      return { kind: "given" };
    } catch (error) {
      if (error instanceof PeerLate) end();
      else return { kind: "kept", why: "it has ended", told: true };
    }
  }
}
