// A process that dies or stands still in the middle of a handover: at one of the messages, before
// or after it.

import { DescriptorChannel, Message } from "@maple/box/internal";

/** What goes wrong. */
export interface Fault {
  /** Whether it is at a message that is sent, or one that is received. */
  readonly call: "send" | "receive";
  /** At which one. */
  readonly message: keyof typeof Message;
  /** Whether it is before or after that. */
  readonly when: "before" | "after";
  /**
   * `kill` = the process is killed; `stop` = it stands still until somebody has it go on; `limit` =
   * it may open hardly any more files.
   */
  readonly what: "kill" | "stop" | "limit";
  /** Whether it is one of what is given early. @default {false} */
  readonly early?: boolean;
}

/** Has it go wrong in this process. */
export function failAt(fault: Fault): void {
  const strike = () => {
    if (fault.what === "limit") return limitFiles();
    Deno.kill(Deno.pid, fault.what === "kill" ? "SIGKILL" : "SIGSTOP");
  };
  const { prototype } = DescriptorChannel;
  const { trySend, poll } = prototype;
  let struck = false;
  // Between COPY and COPIED: what comes then is early.
  let copying = false;
  const strikeAt = (
    call: Fault["call"],
    kind: number,
    when: Fault["when"],
  ): void => {
    const isPiece = kind === Message.STATE || kind === Message.DESCRIPTORS;
    const isHere = call === fault.call && when === fault.when &&
      kind === Message[fault.message] &&
      (!isPiece || copying === (fault.early ?? false));
    if (when === "after") {
      copying = kind === Message.COPY || copying && kind !== Message.COPIED;
    }
    if (struck || !isHere) return;
    struck = true;
    strike();
  };
  prototype.trySend = function (kind, ...rest) {
    strikeAt("send", kind, "before");
    const isSent = trySend.call(this, kind, ...rest);
    if (isSent) strikeAt("send", kind, "after");
    return isSent;
  };
  prototype.poll = function () {
    const message = poll.call(this);
    if (message) strikeAt("receive", message.kind, "after");
    return message;
  };
}

// To ten more than are open.
function limitFiles(): void {
  const most = [...Deno.readDirSync("/proc/self/fd")].length + 10;
  const args = ["--pid", `${Deno.pid}`, `--nofile=${most}:${most}`];
  new Deno.Command("prlimit", { args }).outputSync();
}
