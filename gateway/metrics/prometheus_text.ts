// prometheusText: a report of a gateway as Prometheus metrics.

import { type MetricLabels, PrometheusText } from "@maple/box/internal";
import {
  COUNTER_NAMES,
  COUNTERS,
  type KindsPlan,
  type TotalPlan,
} from "./counter_table.ts";
import { partsOf } from "./counter_values.ts";
import type { GatewayReport, ProcessReport } from "./report.ts";
import type { GatewayStats, WorkerStats } from "./stats.ts";

const STATES = ["new", "serving", "leaving", "draining", "closed"] as const;

/** The metrics of a report. */
export function prometheusText(report: GatewayReport): PrometheusText {
  const text = new PrometheusText();
  addProcess(text, report);
  addProcesses(text, report);
  addConnections(text, report);
  addTasks(text, report);
  addCluster(text, report.stats);
  addCounters(text, report.stats);
  addWorkers(text, report.stats.workerLinks);
  addCommands(text, report.stats);
  return text;
}

function addProcess(
  text: PrometheusText,
  { version, nodeId, startedAt, stats }: GatewayReport,
): void {
  const { state, loopDelay, rss, io } = stats;
  text
    .gauge(
      "maple_gateway_build_info",
      "Always 1; the labels tell which gateway this is.",
      [[{
        version,
        deno: Deno.version.deno,
        io,
        node_id: String(nodeId),
      }, 1]],
    )
    .gauge(
      "maple_gateway_state",
      "1 for the state that the gateway is in, 0 for the others.",
      STATES.map((one) => [{ state: one }, one === state ? 1 : 0]),
    )
    .gauge(
      "maple_gateway_start_time_seconds",
      "When the gateway began to listen, in seconds since 1970.",
      startedAt === null ? [] : Date.parse(startedAt) / 1000,
    )
    .gauge(
      "maple_gateway_event_loop_delay_seconds",
      "By how much the event loop was late, at most, in the last second.",
      loopDelay,
    )
    .gauge(
      "maple_gateway_resident_memory_bytes",
      "Memory of the process.",
      rss,
    )
    .gauge("process_resident_memory_bytes", "Memory of the process.", rss)
    .gauge(
      "process_start_time_seconds",
      "When the process was started, in seconds since 1970.",
      performance.timeOrigin / 1000,
    );
}

// Only where there are several.
function addProcesses(
  text: PrometheusText,
  { processes = [] }: GatewayReport,
): void {
  const of = (
    what: string,
    help: string,
    value: (one: ProcessReport) => number,
  ) =>
    text.gauge(
      `maple_gateway_process_${what}`,
      help,
      processes.map((one) => [{ process: `${one.index}` }, value(one)]),
    );
  of("ready", "1 for a process that serves.", ({ ready }) => ready ? 1 : 0);
  of("clients", "Clients of each process.", ({ clients }) => clients);
  of("workers", "Workers at each process.", ({ workers }) => workers);
  of("tasks_waiting", "Tasks that wait, by process.", ({ queued }) => queued);
  of(
    "event_loop_delay_seconds",
    "By how much the event loop of each process was late.",
    ({ loopDelay }) => loopDelay,
  );
  text.counter(
    "maple_gateway_process_restarts_total",
    "Times that a process had ended by itself and was started again.",
    processes.map(({ index, restarts }) => [{ process: `${index}` }, restarts]),
  );
}

function addConnections(
  text: PrometheusText,
  { limits, stats }: GatewayReport,
): void {
  text
    .gauge(
      "maple_gateway_buffer_bytes",
      "Memory of unfinished frames and of what is to be sent.",
      stats.bufferBytes,
    )
    .gauge(
      "maple_gateway_buffer_limit_bytes",
      "What these may take: --memory-bytes.",
      limits.memoryBytes,
    )
    .gauge("maple_gateway_clients", "Clients connected now.", stats.clients)
    .gauge(
      "maple_gateway_clients_by_transport",
      "Clients connected now, by transport.",
      Object.entries(stats.clientsOver).map((
        [transport, count],
      ) => [{ transport }, count]),
    )
    .gauge(
      "maple_gateway_handshakes",
      "Connections that have not got to their frames yet.",
      stats.handshakes,
    )
    .gauge(
      "maple_gateway_clients_peak",
      "Clients connected at most since the start.",
      stats.clientsPeak,
    )
    .gauge(
      "maple_gateway_clients_limit",
      "Clients that may be connected: --conns-max.",
      limits.connsMax,
    )
    .gauge(
      "maple_gateway_clients_slowed",
      "Clients that are not read from, since they sent too much a second.",
      stats.slowed,
    )
    .gauge(
      "maple_gateway_addresses",
      "Addresses with connections now, or a moment ago.",
      stats.addresses,
    )
    .gauge(
      "maple_gateway_denied_ranges",
      "Addresses and ranges that may not connect.",
      stats.denied,
    )
    .gauge(
      "maple_gateway_bans",
      "Bans that have not ended.",
      stats.bans,
    )
    .gauge("maple_gateway_users", "Users logged in now.", stats.users)
    .gauge("maple_gateway_groups", "Groups of clients now.", stats.groups)
    .gauge(
      "maple_gateway_group_members",
      "Members of all groups now, added up.",
      stats.groupMembers,
    )
    .gauge(
      "maple_gateway_fan_out_bytes",
      "Bytes that are on their way to many clients.",
      stats.fanOutBytes,
    )
    .gauge(
      "maple_gateway_workers",
      "Workers attached now; at 0 nobody serves what clients ask.",
      stats.workers,
    )
    .gauge(
      "maple_gateway_inner_connections",
      "Connections of workers and triggers now.",
      [
        [{ role: "worker" }, stats.workers],
        [{ role: "trigger" }, stats.innerLinks - stats.workers],
      ],
    );
}

function addTasks(
  text: PrometheusText,
  { limits, stats }: GatewayReport,
): void {
  text
    .gauge(
      "maple_gateway_tasks_waiting",
      "Tasks that wait for a worker.",
      stats.queued,
    )
    .gauge(
      "maple_gateway_tasks_waiting_news",
      "Those of them that are news of clients.",
      stats.queuedNews,
    )
    .gauge(
      "maple_gateway_clients_held_back",
      "Clients that are not read from, since they have their share of the queue.",
      stats.heldBack,
    )
    .gauge(
      "maple_gateway_tasks_waiting_peak",
      "Tasks that waited at most since the start.",
      stats.queuedPeak,
    )
    .gauge(
      "maple_gateway_tasks_waiting_limit",
      "Tasks that may wait: --queue-max.",
      limits.queueMax,
    )
    .gauge(
      "maple_gateway_tasks_waiting_bytes",
      "Bytes that the waiting tasks take.",
      stats.queuedBytes,
    )
    .gauge(
      "maple_gateway_tasks_waiting_limit_bytes",
      "Bytes that the waiting tasks may take: --queue-bytes.",
      limits.queueBytes,
    )
    .gauge(
      "maple_gateway_task_oldest_wait_seconds",
      "How long the next task has waited; 0 when none waits.",
      stats.oldestSeconds,
    )
    .gauge(
      "maple_gateway_tasks_in_hand",
      "Tasks that workers hold.",
      stats.inHand,
    )
    .gauge(
      "maple_gateway_chains",
      "Clients of which a worker holds more than one task.",
      stats.chains,
    )
    .gauge(
      "maple_gateway_idle_credits",
      "Tasks that workers have asked for and not yet got.",
      stats.idleCredits,
    )
    .histogram(
      "maple_gateway_task_queue_seconds",
      "How long tasks waited for a worker.",
      [[{}, stats.queueTime]],
    )
    .histogram(
      "maple_gateway_task_work_seconds",
      "How long workers took for tasks.",
      [[{}, stats.workTime]],
    )
    .gauge(
      "maple_gateway_generation",
      "Which of the processes it is that have been this gateway, from 1.",
      stats.generation,
    )
    .gauge(
      "maple_gateway_generation_seconds",
      "For how long this process has been the gateway.",
      stats.generationSeconds,
    )
    .gauge(
      "maple_gateway_clients_relayed",
      "Clients over TLS that go by way of a process that was the gateway before.",
      stats.clientsRelayed,
    )
    .gauge(
      "maple_gateway_old_processes",
      "Processes that were the gateway before and stay for these clients.",
      Object.keys(stats.clientsRelayedBy).length,
    )
    .gauge(
      "maple_gateway_last_handover_pause_seconds",
      "How long all stood still when this process took over; 0 where it was the first.",
      stats.handoverPause,
    )
    .histogram(
      "maple_gateway_handover_pause_seconds",
      "How long all stood still when another process took over.",
      [[{}, stats.handoverPauses]],
    );
}

function addCluster(text: PrometheusText, { cluster }: GatewayStats): void {
  if (!cluster) return;
  const { name, bus, state, gateways } = cluster;
  const states = ["starting", "serving", "draining"] as const;
  text
    .gauge(
      "maple_gateway_cluster_info",
      "Always 1; the labels tell which cluster this gateway is one of.",
      [[{ cluster: name, bus }, 1]],
    )
    .gauge(
      "maple_gateway_cluster_alone",
      "1 while the bus is away, and no other gateway is reached.",
      state === "alone" ? 1 : 0,
    )
    .gauge(
      "maple_gateway_cluster_gateways",
      "Gateways of the cluster as this one sees it, itself included, by state.",
      states.map((one) => [
        { state: one },
        gateways.filter((gateway) => gateway.state === one).length,
      ]),
    );
}

function addCounters(text: PrometheusText, stats: GatewayStats): void {
  const metrics = new Map<string, [help: string, [MetricLabels, number][]]>();
  for (const name of COUNTER_NAMES) {
    const plan: TotalPlan | KindsPlan = COUNTERS[name];
    const samples = partsOf(stats, name).map(
      (
        { kind, count },
      ): [MetricLabels, number] => [labelsOf(plan, kind), count],
    );
    const known = metrics.get(plan.metric);
    if (known) known[1].push(...samples);
    else metrics.set(plan.metric, [plan.help, samples]);
  }
  for (const [metric, [help, samples]] of metrics) {
    text.counter(metric, help, samples);
  }
}

function labelsOf(
  plan: TotalPlan | KindsPlan,
  kind: string | undefined,
): MetricLabels {
  if ("kinds" in plan) return { [plan.label ?? "cause"]: kind! };
  return plan.cause === undefined ? {} : { cause: plan.cause };
}

function addWorkers(
  text: PrometheusText,
  workers: readonly WorkerStats[],
): void {
  const each = (value: (worker: WorkerStats) => number) =>
    workers.map((worker) => [workerLabels(worker), value(worker)] as const);
  text
    .gauge(
      "maple_gateway_worker_tasks_in_hand",
      "Tasks that the worker holds.",
      each((worker) => worker.inHand),
    )
    .gauge(
      "maple_gateway_worker_idle_credits",
      "Tasks that the worker has asked for and not yet got.",
      each((worker) => worker.credits),
    )
    .counter(
      "maple_gateway_worker_tasks_acknowledged_total",
      "Tasks that the worker finished.",
      each((worker) => worker.done),
    )
    .gauge(
      "maple_gateway_worker_connected_seconds",
      "How long the worker has been connected.",
      each((worker) => worker.connectedSeconds),
    )
    .gauge(
      "maple_gateway_worker_seen_seconds",
      "How long ago the last frame of the worker came.",
      each((worker) => worker.seenSeconds),
    );
}

function addCommands(text: PrometheusText, { commands }: GatewayStats): void {
  text
    .counter(
      "maple_gateway_command_requests_total",
      "Requests that workers finished, by command.",
      commands.map(({ cmd, count }) => [{ cmd: String(cmd) }, count]),
    )
    .counter(
      "maple_gateway_command_work_seconds_total",
      "How long workers took for the requests, added up, by command.",
      commands.map(({ cmd, seconds }) => [{ cmd: String(cmd) }, seconds]),
    )
    .gauge(
      "maple_gateway_command_work_seconds_max",
      "How long workers took for the longest request since the start, by command.",
      commands.map(({ cmd, maxSeconds }) => [{ cmd: String(cmd) }, maxSeconds]),
    );
}

function workerLabels({ address, name, pid }: WorkerStats): MetricLabels {
  return { address, name: name ?? "", pid: pid === undefined ? "" : `${pid}` };
}
