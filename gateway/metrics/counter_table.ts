// How each counter is told: the one list that stats, rates, Prometheus, the trouble list and the
// reader of reports go by. A new counter is a line in the interface, one in this list, and the
// place where it counts.

import type { CounterName, GatewayCounters } from "./counters.ts";

/** How a counter is told. */
interface Told {
  /** Its metric; several counters may be one, told apart by their causes. */
  readonly metric: string;
  /** What the metric is. */
  readonly help: string;
}

/** How a total is told. */
export interface TotalPlan extends Told {
  /** The label `cause` of its metric. */
  readonly cause?: string;
  /** What the trouble list calls it; without this it is no trouble. */
  readonly trouble?: string;
}

/** How a total is told that is counted by kinds. */
export interface KindsPlan<Kind extends string = string> extends Told {
  /** The label of its metric that tells the kind. @default {"cause"} */
  readonly label?: string;
  /** What the trouble list calls each kind; null when it is no trouble. */
  readonly kinds: Readonly<Record<Kind, string | null>>;
}

type Plans = {
  readonly [Name in CounterName]: GatewayCounters[Name] extends number
    ? TotalPlan
    : KindsPlan<Extract<keyof GatewayCounters[Name], string>>;
};

const DROPPED = {
  metric: "maple_gateway_tasks_dropped_total",
  help: "Tasks that nobody finished, by cause.",
};

/** All counters, in the order in which they are told. */
export const COUNTERS: Plans = {
  clientsAccepted: {
    metric: "maple_gateway_clients_accepted_total",
    help: "Client connections accepted.",
  },
  acceptedOver: {
    metric: "maple_gateway_clients_accepted_by_transport_total",
    help: "Client connections accepted, by transport.",
    label: "transport",
    kinds: { tcp: null, ws: null, tls: null, wss: null },
  },
  handshakesRefused: {
    metric: "maple_gateway_handshakes_refused_total",
    help:
      "Connections that did not get to their frames, by what they did not get through.",
    label: "step",
    kinds: {
      proxy:
        "connections refused: no PROXY header that can be read (--proxy-protocol)",
      tls: null,
      ws: null,
    },
  },
  clientsRefused: {
    metric: "maple_gateway_clients_refused_total",
    help: "Client connections closed at once, by cause.",
    cause: "conns_max",
    trouble: "clients refused (--conns-max)",
  },
  refusedByAddress: {
    metric: "maple_gateway_clients_refused_by_address_total",
    help: "Client connections closed at once for their address, by cause.",
    kinds: {
      deny: "clients refused: address denied (--deny, --deny-file)",
      ban: "clients refused: address banned",
      connsPerAddress: "clients refused: too many (--conns-per-address)",
      connectRate: "clients refused: too fast (--connect-rate)",
    },
  },
  clientsClosed: {
    metric: "maple_gateway_clients_closed_total",
    help: "Client connections that ended, by cause.",
    kinds: {
      peer: null,
      local: null,
      stop: null,
      frame: "clients closed: a bad or too long frame (--frame-bytes)",
      idle:
        "clients closed: no frame (--conn-timeout), no sign of life (--ws-ping)",
      firstFrame: "clients closed: no first frame (--first-frame-timeout)",
      slowFrame: "clients closed: a frame not whole in time (--frame-timeout)",
      room: "clients closed: silent, to make room (--conns-max)",
      outbox: "clients closed: did not read (--outbox-bytes)",
      stalled: "clients closed: took nothing (--write-timeout)",
      memory: "clients closed: held most memory (--memory-bytes)",
      rate: "clients closed: sent too much a second (--rate-action)",
      barred: "clients closed: address denied or banned (--deny)",
      error: "clients closed: their frame could not be handled",
    },
  },
  clientsCut: {
    metric: "maple_gateway_clients_cut_total",
    help: "Closed clients that had not read all in time.",
    trouble: "closed clients cut: had not read all (--linger)",
  },
  innerRefused: {
    metric: "maple_gateway_inner_connections_refused_total",
    help: "Connections of workers and triggers closed at once, by cause.",
    cause: "inner_conns_max",
    trouble: "workers and triggers refused (--inner-conns-max)",
  },
  innerUnproven: {
    metric: "maple_gateway_inner_connections_unproven_total",
    help:
      "Connections to the port of workers and triggers that have not proven who they are, by cause.",
    kinds: {
      secret:
        "workers and triggers refused: another secret (--inner-secret-file)",
      role:
        "workers and triggers refused: no secret of their role (--inner-secret-file)",
      frame:
        "workers and triggers refused: no proof (--inner-secret-file, --inner-open)",
      late:
        "workers and triggers refused: silent before they had proven anything",
      left: null,
      room:
        "workers and triggers refused: unproven, and others came (--inner-conns-max)",
      address: "workers and triggers refused: their address (--inner-open)",
    },
  },
  innerForbidden: {
    metric: "maple_gateway_inner_frames_forbidden_total",
    help:
      "Frames of workers and triggers that were ignored, since their role may not send such.",
    trouble: "frames of workers and triggers ignored: not for their role",
  },
  innerClosed: {
    metric: "maple_gateway_inner_connections_closed_total",
    help: "Connections of workers and triggers that ended, by cause.",
    kinds: {
      peer: null,
      local: null,
      stop: null,
      frame:
        "workers and triggers closed: a bad or too long frame (--inner-frame-bytes)",
      idle: "workers closed: no sign of life (--worker-timeout)",
      outbox: "workers and triggers closed: did not read (--inner-frame-bytes)",
      firstFrame: null,
      slowFrame: null,
      room: null,
      stalled: null,
      memory: "workers and triggers closed: held most memory (--memory-bytes)",
      rate: null,
      barred: null,
      error: "workers and triggers closed: their frame could not be handled",
    },
  },
  innerFrames: {
    metric: "maple_gateway_inner_frames_total",
    help:
      "Frames of workers and triggers that were for this gateway, by command, without signs of life.",
    label: "command",
    kinds: {
      WRITE_TO_WORKER: null,
      WORKER_ASK_FOR_TASK: null,
      WRITE_TO_CLIENT: null,
      WRITE_TO_USERS: null,
      CLOSE_CLIENT: null,
      CLOSE_USERS: null,
      LOGIN_CLIENT: null,
      LOGOUT_CLIENT: null,
      CLEAR_CLIENT_TASKS: null,
      JOIN_GROUPS: null,
      LEAVE_GROUPS: null,
      WRITE_TO_GROUPS: null,
      CLOSE_GROUPS: null,
      QUERY: null,
      BAN: null,
      DRAIN: null,
    },
  },
  backlogOverflows: {
    metric: "maple_gateway_backlog_overflows_total",
    help:
      "Connections that the system did not hold, since the backlog of a listener on this machine was full.",
    trouble:
      "connections not taken: a backlog of this machine full (--backlog)",
  },
  clientFrames: {
    metric: "maple_gateway_client_frames_total",
    help: "Frames that came from clients, without heartbeats.",
  },
  clientBytes: {
    metric: "maple_gateway_client_bytes_total",
    help: "Bytes of the frames that came from clients.",
  },
  heartbeats: {
    metric: "maple_gateway_heartbeats_total",
    help: "Heartbeats of clients, which the gateway answers itself.",
  },
  clientPauses: {
    metric: "maple_gateway_client_pauses_total",
    help: "Times that a client was not read from, by cause.",
    cause: "client_queue_max",
    trouble: "clients held back: too much unfinished (--client-queue-max)",
  },
  ratesExceeded: {
    metric: "maple_gateway_client_rates_exceeded_total",
    help:
      "Times that a client was slowed or closed since it sent too much a second.",
    kinds: {
      frames: "clients slowed or closed: too many frames (--client-rate)",
      bytes: "clients slowed or closed: too many bytes (--client-bytes-rate)",
    },
  },
  queueStops: {
    metric: "maple_gateway_queue_stops_total",
    help: "Times that the queue was full, by what it was full of.",
    kinds: {
      tasks: "queue full of tasks, triggers wait (--queue-max)",
      bytes: "queue full of bytes, triggers wait (--queue-bytes)",
      news: "no client let in: too much news of others (--news-max)",
    },
  },
  asksIgnored: {
    metric: "maple_gateway_asks_ignored_total",
    help: "Asks of workers that were ignored, by cause.",
    cause: "credits_max",
    trouble: "asks of workers ignored (--credits-max)",
  },
  delivered: {
    metric: "maple_gateway_tasks_delivered_total",
    help: "Tasks handed out, repetitions included.",
  },
  acknowledged: {
    metric: "maple_gateway_tasks_acknowledged_total",
    help: "Tasks that workers finished.",
  },
  chained: {
    metric: "maple_gateway_tasks_chained_total",
    help: "Tasks handed out behind others of the same client.",
  },
  chainsBegun: {
    metric: "maple_gateway_chains_begun_total",
    help:
      "Times that a worker got a second task behind one of the same client.",
  },
  chainsRecalled: {
    metric: "maple_gateway_chains_recalled_total",
    help: "Chains of which what was not begun was to come back.",
  },
  givenBack: {
    metric: "maple_gateway_tasks_given_back_total",
    help: "Chained tasks that workers gave back and had not begun.",
  },
  redelivered: {
    metric: "maple_gateway_tasks_redelivered_total",
    help: "Tasks handed out again after their worker was lost.",
    trouble: "tasks delivered again: worker lost",
  },
  givenUp: {
    ...DROPPED,
    cause: "max_deliveries",
    trouble: "tasks given up: workers lost with them (--max-deliveries)",
  },
  expired: {
    ...DROPPED,
    cause: "park_time",
    trouble: "tasks given up: waited too long (--park-time)",
  },
  refused: {
    ...DROPPED,
    cause: "no_room",
    trouble: "requests refused: no room for one of each client (--queue-max)",
  },
  gone: {
    ...DROPPED,
    cause: "client_gone",
    trouble: "requests dropped: client gone (--gone-requests)",
  },
  newsDropped: {
    metric: "maple_gateway_clients_untold_total",
    help: "Clients that were gone before a worker could be told of them.",
    trouble: "clients gone before a worker heard of them",
  },
  cleared: {
    ...DROPPED,
    cause: "cleared",
    trouble: "tasks cleared by workers",
  },
  innerDropped: {
    ...DROPPED,
    cause: "queue_max",
    trouble: "tasks of workers dropped: queue twice full (--queue-max)",
  },
  abandoned: {
    ...DROPPED,
    cause: "drain_timeout",
    trouble: "tasks not finished when it left (--drain-timeout)",
  },
  moves: {
    metric: "maple_gateway_moves_total",
    help:
      "Clients that were to move when the gateway left, by what was done with them.",
    label: "outcome",
    kinds: {
      asked: null,
      late: "clients closed: asked to move and still there (--move-timeout)",
      closed: null,
    },
  },
  answers: {
    metric: "maple_gateway_answers_total",
    help: "Frames sent to clients.",
  },
  answerBytes: {
    metric: "maple_gateway_answer_bytes_total",
    help: "Bytes of the frames sent to clients.",
  },
  answersDropped: {
    metric: "maple_gateway_answers_dropped_total",
    help: "Frames for a client that were dropped, by cause.",
    kinds: {
      gone: "answers dropped: client gone",
      tag: "answers dropped: for an earlier start of the gateway",
      outbox: "answers dropped: client did not read",
    },
  },
  userMessages: {
    metric: "maple_gateway_user_messages_total",
    help: "Messages to users.",
  },
  userDeliveries: {
    metric: "maple_gateway_user_deliveries_total",
    help: "Clients that these messages reached, added up.",
  },
  groupMessages: {
    metric: "maple_gateway_group_messages_total",
    help: "Messages to groups.",
  },
  groupDeliveries: {
    metric: "maple_gateway_group_deliveries_total",
    help: "Clients that messages to groups reached, added up.",
  },
  groupsRefused: {
    metric: "maple_gateway_group_joins_refused_total",
    help: "Joins of groups that were refused, by cause.",
    kinds: {
      clientFull: "joins refused: in enough groups (--groups-per-client)",
      full: "joins refused: enough groups (--groups-max)",
    },
  },
  fanOutWaits: {
    metric: "maple_gateway_fan_out_waits_total",
    help: "Times that a message to many had to wait, by cause.",
    cause: "fan_out_bytes",
    trouble: "messages to many that had to wait (--fan-out-bytes)",
  },
  receipts: {
    metric: "maple_gateway_receipts_total",
    help: "Receipts that workers and triggers got, by what they told.",
    label: "outcome",
    kinds: { reached: null, nobody: null, answered: null, refused: null },
  },
  clusterPassedOn: {
    metric: "maple_gateway_cluster_passed_on_total",
    help: "Messages that were passed on to other gateways.",
  },
  clusterNotPassedOn: {
    metric: "maple_gateway_cluster_not_passed_on_total",
    help: "Messages that were not passed on to other gateways, by cause.",
    kinds: {
      away: "not passed on to other gateways: the bus is away (--cluster)",
      full:
        "not passed on to other gateways: too much at once (--cluster-bytes)",
      late: "not passed on to other gateways: the bus gives no sign of life",
      cut:
        "perhaps not passed on to other gateways: the bus was lost with them",
    },
  },
  clusterReceived: {
    metric: "maple_gateway_cluster_received_total",
    help: "Messages that came from other gateways.",
  },
  clusterDropped: {
    metric: "maple_gateway_cluster_dropped_total",
    help: "Messages from other gateways that were dropped, by cause.",
    kinds: {
      gap: "messages of other gateways dropped: not whole",
      room:
        "messages of other gateways dropped: too much at once (--cluster-bytes)",
      unknown: "messages of other gateways dropped: of another version",
      bad: "messages of other gateways dropped: they make no sense",
      waiting:
        "commands of other gateways dropped: too much to many at once (--fan-out-bytes)",
    },
  },
  clusterLost: {
    metric: "maple_gateway_cluster_gateways_lost_total",
    help: "Gateways that vanished without a word.",
    trouble: "gateways of the cluster that vanished without a word",
  },
  clusterMissing: {
    metric: "maple_gateway_cluster_missing_total",
    help:
      "Receipts and answers that lack the part of a gateway, which did not tell within a second.",
    trouble: "receipts and answers that lack the part of a gateway",
  },
  lent: {
    metric: "maple_gateway_cluster_lent_total",
    help:
      "Tasks that workers of other gateways were given, since there was none here.",
  },
  clusterMoved: {
    metric: "maple_gateway_cluster_moved_total",
    help: "Users logged out since they have logged in at another gateway.",
  },
  badCommands: {
    metric: "maple_gateway_bad_commands_total",
    help: "Frames of workers and triggers that made no sense.",
    trouble: "frames of workers and triggers not understood",
  },
  unhandledErrors: {
    metric: "maple_gateway_unhandled_errors_total",
    help: "Errors that nobody has handled.",
    trouble: "errors that nobody handled, see the log",
  },
  logLinesDropped: {
    metric: "maple_gateway_log_lines_dropped_total",
    help: "Lines of the log that were dropped.",
    trouble: "lines of the log dropped: nobody reads it, or the disk hangs",
  },
  handovers: {
    metric: "maple_gateway_handovers_total",
    help: "Times that another process has taken the place of the one before.",
  },
};

/** The names of all counters, in the order in which they are told. */
export const COUNTER_NAMES = Object.keys(COUNTERS) as readonly CounterName[];
