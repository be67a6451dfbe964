// Whoever adds a private field to something that a gateway hands over has to say what becomes of
// it: its class gives it to the next process, or it is named here with the reason why not. What
// others can see of a class the types check, see `FieldPlan`.

import { type Fields, givenFieldsTest } from "../../helpers/given_fields.ts";

// What of a class is not handed over, in words: a field of these needs no other process.
const MADE = "made anew";
const SETTING = "a setting of the new process";
const NONE = "not while all stands still";
const FOLLOWS = "follows from what is handed over";
const APART = "handed over by itself";

/** By file, the fields that are not given, by the reason. */
const LEFT: Readonly<Record<string, Fields>> = {
  "box/session_table.ts": { [NONE]: ["walk"], [FOLLOWS]: ["byConnId"] },
  "box/group_table.ts": {
    [SETTING]: ["limits"],
    [FOLLOWS]: ["byName", "memberships"],
  },
  "box/fan_out.ts": {
    [SETTING]: ["options"],
    [NONE]: ["sending", "bytes", "sentMessages", "sentBytes", "waiters"],
    [MADE]: ["lastNo", "scheduled", "turn"],
  },
  "box/outbox.ts": {
    [SETTING]: ["writer", "maxBytes", "bufferBytes", "meter", "onError"],
    [MADE]: ["before", "moves", "seenMoves", "callbacks"],
    [FOLLOWS]: ["scheduled", "drainWaiters"],
    [NONE]: ["closed"],
  },
  "box/frame_reader.ts": {
    [SETTING]: ["framing", "frameBytes", "least", "meter"],
    [FOLLOWS]: ["frameLength", "seen"],
    [MADE]: ["wanted", "room", "quietReads"],
  },
  "box/net/base_session.ts": { [APART]: ["uid", "userdata"] },
  "box/net/frame_socket.ts": {
    [SETTING]: ["ownFrames", "pace", "handler", "lingerMs"],
    [NONE]: ["cause", "destroyed", "stopping", "lingerTimer"],
    [MADE]: ["seenMoves", "wake"],
  },
  "box/net/gate.ts": { [FOLLOWS]: ["opened", "open"] },
  "box/net/web_socket_conn.ts": {
    [MADE]: ["events", "sink", "space"],
    [FOLLOWS]: ["paused"],
  },
  "box/net/web_socket_decoder.ts": {
    [MADE]: ["controls", "view"],
    [FOLLOWS]: ["closed", "fault"],
  },
  "box/net/web_socket_transport.ts": {
    [MADE]: ["conn", "handler"],
    [NONE]: ["code"],
  },
  "box/net/preamble.ts": {
    [MADE]: ["opening", "onFollowed", "running"],
    "begins anew": ["deadline"],
    [NONE]: ["wait"],
  },
  "box/net/entrance.ts": { [NONE]: ["closed"] },
  "box/net/epoll_socket.ts": {
    [MADE]: ["sink", "onDone"],
    [FOLLOWS]: ["paused", "writing"],
    "the system tells again": ["broken", "ended"],
  },
  "box/net/client_places.ts": {
    [SETTING]: ["limits"],
    [FOLLOWS]: ["leaving", "silent", "taken"],
  },
  "box/net/client_limits.ts": {},
  "box/net/client_rates.ts": {
    [SETTING]: [
      ...["limits", "onExceeded", "now", "frameRate", "byteRate"],
      ...["frameLine", "byteLine", "closes"],
    ],
  },
  "box/net/address_limits.ts": {
    [SETTING]: ["limits", "onRefused", "now", "denied"],
    [MADE]: ["sweepAt"],
  },
  "box/net/bans.ts": { [SETTING]: ["now"], [APART]: ["table", "bans"] },
  "box/net/limit_log.ts": {
    [SETTING]: ["logger"],
    "what was not logged yet": ["counts", "recent", "timer"],
  },
  "box/net/top_addresses.ts": {},
  "box/net/memory_limit.ts": {
    [SETTING]: ["holders", "max"],
    [FOLLOWS]: ["bytes", "looking", "pause"],
  },
  "gateway/queue/task_queue.ts": { [SETTING]: ["options"] },
  "gateway/queue/ready_tasks.ts": {},
  "gateway/queue/room.ts": { [SETTING]: ["options"] },
  "gateway/queue/deliveries.ts": {},
  "gateway/queue/chains.ts": { [SETTING]: ["queue", "options"] },
  "gateway/queue/asking_links.ts": {},
  "gateway/queue/quarantine.ts": {
    [SETTING]: ["queue", "asking", "options"],
    [NONE]: ["closed"],
  },
  "gateway/queue/dispatcher.ts": {
    [SETTING]: ["queue", "options"],
    [NONE]: ["pumping"],
  },
  "gateway/outer/clients.ts": {
    [SETTING]: ["heartbeats", "moves", "groups", "rates"],
    [APART]: ["entrance"],
    [NONE]: ["reading", "isGiven", "relayedAsked"],
    [FOLLOWS]: ["relayedBy"],
  },
  "gateway/outer/client_session.ts": {
    [MADE]: ["owner", "header"],
    [FOLLOWS]: ["ipv4", "ipv6"],
  },
  "gateway/outer/groups.ts": {
    [MADE]: ["context"],
    "what is logged once": ["tells"],
  },
  "gateway/inner/inner_link.ts": {
    [MADE]: ["owner"],
    [SETTING]: ["unsentMax", "fullBytes"],
  },
  "gateway/inner/inner_links.ts": {
    [MADE]: ["pullCommands", "clientCommands", "signOfLife"],
    [NONE]: ["closed", "leaves"],
  },
  "gateway/inner/inner_places.ts": { [SETTING]: ["limits"] },
  "gateway/inner/inner_door.ts": { [MADE]: ["links"], [NONE]: ["closed"] },
  "gateway/inner/many_commands.ts": {
    [MADE]: [
      ...["context", "toUsers", "toGroups", "onSentToUsers"],
      ...["onSentToGroups", "closeUsers", "closeGroups"],
    ],
    "ended before": ["waiting"],
  },
  "gateway/cluster/cluster.ts": {
    [MADE]: [
      ...["reception", "claim", "handlers", "backListeners"],
      ...["helloListeners", "timer"],
    ],
    [SETTING]: ["options"],
    [NONE]: ["hasNode", "hasLeft"],
    "what is logged once": ["hasToldUnknown"],
  },
  "gateway/cluster/reception.ts": {
    [MADE]: ["receiver"],
    [NONE]: ["standby", "isGiven"],
  },
  "gateway/cluster/told_list.ts": { [MADE]: ["present", "listeners", "timer"] },
  "gateway/cluster/messenger.ts": {
    [SETTING]: ["options"],
    "ended before": ["inbox"],
    [APART]: ["pieces"],
    [FOLLOWS]: ["before"],
    [NONE]: ["held", "heldBytes", "notHeld"],
  },
  "gateway/cluster/pieces.ts": { [SETTING]: ["options"] },
  "gateway/cluster/members.ts": { [MADE]: ["listeners"] },
  "gateway/cluster/logins.ts": {
    [SETTING]: ["options"],
    "all are told before, or again": ["due", "scheduled", "gathering"],
    "all are told again": ["retry", "round", "again"],
    [MADE]: ["turn"],
  },
  "gateway/cluster/far_sender.ts": {
    [MADE]: ["member", "options"],
    "ended before": ["held", "waiting", "waitingBytes", "rests"],
    "what is logged once": ["hasTold"],
  },
  "gateway/cluster/far_workers.ts": {
    [MADE]: ["send", "onUnsent"],
    "given back before": ["unsent"],
  },
  "gateway/cluster/gatherings.ts": {
    [SETTING]: ["options"],
    [MADE]: ["timer", "onDone"],
    [APART]: ["open", "waiting"],
    [NONE]: ["isOwnDue", "isDone"],
  },
  "gateway/cluster/lending.ts": {
    [MADE]: ["context", "cluster", "workers", "timer"],
    [APART]: ["far"],
    [FOLLOWS]: ["borrowing"],
  },
  "gateway/cluster/cluster_commands.ts": {
    [MADE]: ["context", "cluster", "here", "lending"],
    [APART]: ["gatherings"],
    "made anew, with nothing that waits": ["far"],
  },
  "gateway/metrics/measures.ts": { [SETTING]: ["cmdOf"] },
  "gateway/metrics/history.ts": { [FOLLOWS]: ["rates"] },
};

for (const [file, reasons] of Object.entries(LEFT)) {
  givenFieldsTest(file, reasons);
}
