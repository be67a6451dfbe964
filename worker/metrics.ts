// workerMetrics: the counters of a worker's processes as Prometheus metrics.

import {
  type HistogramData,
  type MetricLabels,
  type ProcessStatus,
  PrometheusText,
} from "@maple/box/internal";
import type { WorkerProcessStats } from "./stats.ts";

type Samples = readonly (readonly [labels: MetricLabels, value: number])[];

/** The metrics of all processes of a worker. */
export function workerMetrics(
  processes: readonly ProcessStatus[],
): PrometheusText {
  const known = processes.flatMap(({ index, stats }) =>
    stats === undefined
      ? []
      : [{ worker: String(index), stats: stats as WorkerProcessStats }]
  );
  const ofProcess = (value: (process: ProcessStatus) => number): Samples =>
    processes.map((process) => [
      { worker: String(process.index) },
      value(process),
    ]);
  const of = (value: (stats: WorkerProcessStats) => number): Samples =>
    known.map(({ worker, stats }) => [{ worker }, value(stats)]);
  const gateways = known.flatMap(({ worker, stats }) =>
    stats.gateways.map((gateway) => ({
      labels: { worker, gateway: gateway.name },
      gateway,
    }))
  );
  const endpoints = known.flatMap(({ worker, stats }) =>
    Object.entries(stats.endpoints).map(([endpoint, counts]) => ({
      labels: { worker, endpoint },
      counts,
    }))
  );
  const kinds: Samples = known.flatMap(({ worker, stats }) =>
    Object.entries(stats.tasks).map((
      [kind, count],
    ): [MetricLabels, number] => [{ worker, kind }, count])
  );
  return new PrometheusText()
    .gauge(
      "maple_worker_up",
      "Whether the process is ready: it has attached to a gateway and runs.",
      ofProcess(({ ready }) => Number(ready)),
    )
    .counter(
      "maple_worker_restarts_total",
      "Times that the process had ended by itself and was started again.",
      ofProcess(({ restarts }) => restarts),
    )
    .gauge(
      "maple_worker_uptime_seconds",
      "Time since the process began to attach.",
      of(({ uptime }) => uptime),
    )
    .gauge(
      "maple_worker_resident_memory_bytes",
      "Memory of the process.",
      of(({ rss }) => rss),
    )
    .gauge(
      "maple_worker_event_loop_delay_seconds",
      "How late the event loop was at most, in the last second.",
      of(({ loopDelay }) => loopDelay),
    )
    .gauge(
      "maple_worker_gateway_attached",
      "Whether the process is attached to the gateway.",
      gateways.map(({ labels, gateway }) => [labels, Number(gateway.attached)]),
    )
    .gauge(
      "maple_worker_gateway_in_hand",
      "Tasks of the gateway that are being worked on, news of clients included.",
      gateways.map(({ labels, gateway }) => [labels, gateway.inHand]),
    )
    .counter(
      "maple_worker_received_total",
      "Tasks that came, by kind: requests of clients, requests of triggers and workers (inner), clients created and closed.",
      kinds,
    )
    .counter(
      "maple_worker_redelivered_total",
      "Tasks that came after another worker was lost with them.",
      of(({ redelivered }) => redelivered),
    )
    .counter(
      "maple_worker_unknown_cmds_total",
      "Requests whose cmd has no route.",
      of(({ unknownCmds }) => unknownCmds),
    )
    .counter(
      "maple_worker_late_tasks_total",
      "Tasks that took longer than workTimeout.",
      of(({ lateTasks }) => lateTasks),
    )
    .counter(
      "maple_worker_bad_tasks_total",
      "Tasks that made no sense: an unknown command or a body that is no box.",
      of(({ badTasks }) => badTasks),
    )
    .counter(
      "maple_worker_unhandled_errors_total",
      "Errors that nobody has handled: unhandled rejections, throws outside of any handler.",
      of(({ unhandled }) => unhandled),
    )
    .counter(
      "maple_worker_tasks_total",
      "Requests that are finished, errors included.",
      endpoints.map(({ labels, counts }) => [labels, counts.finished]),
    )
    .counter(
      "maple_worker_errors_total",
      "Requests whose handler, or a hook before it, threw.",
      endpoints.map(({ labels, counts }) => [labels, counts.errors]),
    )
    .gauge(
      "maple_worker_in_hand",
      "Requests that are being worked on.",
      endpoints.map(({ labels, counts }) => [labels, counts.inHand]),
    )
    .gauge(
      "maple_worker_task_max_seconds",
      "The longest time that a request took, since the process began to attach.",
      endpoints.map(({ labels, counts }) => [labels, counts.maxSeconds]),
    )
    .histogram(
      "maple_worker_task_seconds",
      "Time that requests took, hooks included.",
      endpoints.map(({ labels, counts }): [MetricLabels, HistogramData] => [
        labels,
        counts.durations,
      ]),
    );
}
