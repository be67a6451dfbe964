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
  /** `kill` = the process is killed; `stop` = it stands still until somebody has it go on. */
  readonly what: "kill" | "stop";
}

/** Has it go wrong in this process. */
export function failAt(fault: Fault): void {
  const strike = () =>
    Deno.kill(Deno.pid, fault.what === "kill" ? "SIGKILL" : "SIGSTOP");
  const { prototype } = DescriptorChannel;
  const { send, poll } = prototype;
  let struck = false;
  const strikesAt = (kind: number, when: Fault["when"]): boolean => {
    if (struck || kind !== Message[fault.message] || when !== fault.when) {
      return false;
    }
    return struck = true;
  };
  if (fault.call === "send") {
    prototype.send = function (kind, ...rest) {
      if (strikesAt(kind, "before")) strike();
      send.call(this, kind, ...rest);
      if (strikesAt(kind, "after")) strike();
    };
  } else {
    prototype.poll = function () {
      const message = poll.call(this);
      if (message && strikesAt(message.kind, "after")) strike();
      return message;
    };
  }
}
