/**
 * What the other maple packages need of this one and users do not: sockets that carry frames, listeners, logs and command
 * lines. It may change with any version.
 *
 * @module
 */

export {
  describeFlags,
  flagValue,
  parseCommandLine,
  runCommand,
  UsageError,
} from "./command_line.ts";
export type { CommandLine, Flag, FlagValue } from "./command_line.ts";
export { FrameSocket } from "./frame_socket.ts";
export type {
  CloseCause,
  CloseKind,
  FrameHandler,
  FrameSocketOptions,
} from "./frame_socket.ts";
export {
  closeUsersTask,
  packBox,
  writeToUsersTask,
  writeToWorkerTask,
} from "./gateway_commands.ts";
export { Gate } from "./gate.ts";
export { IdleWatch } from "./idle_watch.ts";
export type { IdleLimit, IdleWatched } from "./idle_watch.ts";
export { acceptAll, formatAddress, listenError, listenTcp } from "./listen.ts";
export type { ListenTcpOptions } from "./listen.ts";
export { createLogger, LOG_LEVELS, SILENT } from "./logger.ts";
export type { Logger, LoggerOptions, LogLevel } from "./logger.ts";
export { readInt32, writeInt32 } from "./int32.ts";
export { isInt64, readInt64, writeInt64 } from "./int64.ts";
export { setProcessName } from "./process_name.ts";
export { readRspToUsers } from "./users_body.ts";
