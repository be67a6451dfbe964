// Whoever adds a private field to something that a haven server hands over has to say what becomes
// of it: its class gives it to the next process, or it is named here with the reason why not. What
// others can see of a session the types check, see `FieldPlan`; the sockets and limits of box are
// in the gateway's test.

import { type Fields, givenFieldsTest } from "../../helpers/given_fields.ts";

const MADE = "made anew";
const SETTING = "a setting of the new process";
const NONE = "not while all stands still";
const FOLLOWS = "follows from what is handed over";
const APART = "handed over by itself";

/** By file, the fields that are not given, by the reason. */
const LEFT: Readonly<Record<string, Fields>> = {
  "haven/server.ts": {
    [SETTING]: ["heartbeats", "moves", "app", "io"],
    [MADE]: ["pings", "running", "onOpen"],
    [NONE]: ["accepting", "held", "isGiven"],
  },
  "haven/session.ts": {
    [MADE]: ["owner", "setFinished"],
    [FOLLOWS]: ["waitingBytes"],
    [NONE]: [
      ...["busy", "draining", "closed", "abandoned", "given", "over"],
      ...["onFree", "onIdle", "goOn"],
    ],
    "the system tells again": ["leaving"],
  },
  "haven/connection.ts": {
    [SETTING]: ["boxClass", "outboxBytes"],
    [APART]: ["state", "transport"],
  },
  "haven/users.ts": {
    [SETTING]: ["app", "outboxBytes"],
    "only where several processes serve": ["line"],
    "as counters": ["commands"],
  },
  "haven/groups.ts": {
    [SETTING]: ["sessions", "limits", "log"],
    "by the names of each client": ["table"],
    "what is logged once": ["tells"],
  },
  "haven/listeners.ts": { [SETTING]: ["options"] },
};

for (const [file, reasons] of Object.entries(LEFT)) {
  givenFieldsTest(file, reasons);
}
