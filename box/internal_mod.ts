/**
 * What the other maple packages need of this one and users do not: sockets that carry frames, listeners, logs and command
 * lines. It may change with any version.
 *
 * @module
 */

export { readClock, turnNow } from "./clock.ts";
export {
  describeFlags,
  flagValue,
  parseCommandLine,
  runCommand,
  UsageError,
} from "./command_line.ts";
export type { CommandLine, Flag, FlagValue } from "./command_line.ts";
export { FrameSocket, LINK_BUFFER_BYTES } from "./frame_socket.ts";
export type {
  CloseCause,
  CloseKind,
  FrameHandler,
  FrameSocketOptions,
  Pace,
} from "./frame_socket.ts";
export {
  closeUsersTask,
  packBox,
  writeToUsersTask,
  writeToWorkerTask,
} from "./gateway_commands.ts";
export { Gate } from "./gate.ts";
export { DURATION_BOUNDS, Histogram } from "./histogram.ts";
export type { HistogramData } from "./histogram.ts";
export { IdleWatch } from "./idle_watch.ts";
export type { IdleLimit, IdleWatched } from "./idle_watch.ts";
export {
  acceptAll,
  DEFAULT_BACKLOG,
  formatAddress,
  listenError,
  listenTcp,
} from "./listen.ts";
export type { ListenTcpOptions } from "./listen.ts";
export { describeError, messageOf } from "./describe_error.ts";
export { LOG_FORMATS } from "./log_line.ts";
export type { LogFields, LogFormat } from "./log_line.ts";
export { followLogSignals, setLogLevel } from "./log_signals.ts";
export {
  createLogger,
  flushLog,
  LOG_LEVELS,
  RoleLogger,
  SILENT,
} from "./logger.ts";
export type { Logger, LoggerOptions, LogLevel } from "./logger.ts";
export { readInt32, writeInt32 } from "./int32.ts";
export { isInt64, readInt64, writeInt64 } from "./int64.ts";
export { parseIpv4 } from "./ip_address.ts";
export { setProcessName } from "./process_name.ts";
export { PrometheusText } from "./prometheus.ts";
export type {
  HistogramSamples,
  MetricLabels,
  MetricSamples,
} from "./prometheus.ts";
export { parseStatusAddress, serveStatus, statusUrl } from "./serve_status.ts";
export type { StatusRoute, StatusServer } from "./serve_status.ts";
export { isForNobody } from "./task.ts";
export { packTransient } from "./transient_frame.ts";
export { readRspToUsers } from "./users_body.ts";
export { LoopDelay } from "./loop_delay.ts";
