// A gateway that is replaced, or replaces another, and dies or stands still in the middle of it:
// at one of the messages, before or after it.
//
//   deno run -A handover_gateway.ts OPTIONS-AS-JSON [FAULT-AS-JSON]

import { Gateway, type GatewayOptions } from "@maple/gateway";
import { DescriptorChannel, formatAddress, Message } from "@maple/box/internal";

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

const options = JSON.parse(Deno.args[0]!) as GatewayOptions;
const fault = JSON.parse(Deno.args[1] ?? "null") as Fault | null;

function strike(): void {
  Deno.kill(Deno.pid, fault!.what === "kill" ? "SIGKILL" : "SIGSTOP");
}

if (fault) {
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

await using gateway = new Gateway({
  outerHost: "127.0.0.1",
  outerPort: 0,
  innerPort: 0,
  io: "epoll",
  ...options,
});
try {
  await gateway.listen();
} catch (error) {
  console.log(`gateway refused: ${(error as Error).message}`);
  Deno.exit(1);
}
console.log(
  `gateway ready outer=${formatAddress(gateway.outerAddr!)} inner=${
    formatAddress(gateway.innerAddr!)
  } generation=${gateway.stats().generation}`,
);
await gateway.replaced;
await gateway.close();
Deno.exit(0);
