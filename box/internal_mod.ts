/**
 * What the other maple packages need of this one and users do not: sockets that carry frames,
 * listeners, logs and command lines. It may change with any version.
 *
 * @module
 */

export { readClock, turnNow } from "./clock.ts";
export {
  ABOUT_FLAGS,
  describeFlags,
  flagValue,
  HELP_FLAG,
  parseCommandLine,
  runCommand,
  UsageError,
} from "./process/command_line.ts";
export type { CommandLine, Flag, FlagValue } from "./process/command_line.ts";
export {
  readFlags,
  tellRemarks,
  withEnvironment,
} from "./process/read_flags.ts";
export { OWN_WORDS, SHELLS } from "./process/completion.ts";
export type { Word } from "./process/completion.ts";
export { bashCompletion } from "./process/bash_completion.ts";
export { zshCompletion } from "./process/zsh_completion.ts";
export { manPage } from "./process/man_page.ts";
export type { ManPageOptions } from "./process/man_page.ts";
export { nearest } from "./process/nearest.ts";
export type { ReadFlagsOptions } from "./process/read_flags.ts";
export type {
  EnvironmentFlags,
  EnvironmentOptions,
} from "./process/environment.ts";
export { readEnvironment, variableOf } from "./process/environment.ts";
export { describeWords, subUsageOf, usageOf } from "./process/command.ts";
export type { Command, SubCommand } from "./process/command.ts";
export type { ByteSink, Conn, ConnPiece, OwnSocket } from "./net/conn.ts";
export { closeEndsWrites, ConnWriter } from "./net/conn_writer.ts";
export { acceptedConn, DenoConn } from "./net/deno_conn.ts";
export { EpollListener, listenEpoll } from "./net/epoll_listener.ts";
export { EpollLoop, Watched } from "./net/epoll_loop.ts";
export type { EpollLoopOptions } from "./net/epoll_loop.ts";
export { EpollSocket } from "./net/epoll_socket.ts";
export { RelaySocket, type SocketPair } from "./net/relay_socket.ts";
export { Libc } from "./net/libc.ts";
export { Poll, PollEvents, PollOperation } from "./net/poll_events.ts";
export { Errno } from "./net/system_calls.ts";
export type { SystemCalls } from "./net/system_calls.ts";
export type { Listener } from "./net/listener.ts";
export { OwnConnection } from "./net/loop_turn.ts";
export type { LoopTurn } from "./net/loop_turn.ts";
export { IO_KINDS, openIo } from "./net/server_io.ts";
export type { DescriptorIo, IoKind, ServerIo } from "./net/server_io.ts";
export {
  decodeSocketAddress,
  encodeSocketAddress,
} from "./net/socket_address.ts";
export { readCertificates } from "./net/certificates.ts";
export type { Certificate } from "./net/certificates.ts";
export { checkTlsSupport } from "./net/tls_support.ts";
export type { SecurableConn } from "./net/tls_conn.ts";
export type { TlsHandshakeOptions } from "./net/tls_handshakes.ts";
export { TlsListener } from "./net/tls_listener.ts";
export type { TlsListenOptions } from "./net/tls_listener.ts";
export { BackOff } from "./net/back_off.ts";
export { endedWithin } from "./ended_within.ts";
export { atEndOfTurn } from "./turn.ts";
export { IpRange, isInRanges, parseIpRanges } from "./ip_range.ts";
export { IpTable, ipTable } from "./ip_table.ts";
export { closeCounts, isOrdinary, STOP } from "./net/close_cause.ts";
export type { CloseCause, CloseKind } from "./net/close_cause.ts";
export { FrameSocket } from "./net/frame_socket.ts";
export { LINK_BUFFER_BYTES } from "./net/frame_socket_options.ts";
export type { FrameSocketOptions, Pace } from "./net/frame_socket_options.ts";
export {
  clearClientTask,
  clientWorkerTask,
  closeClientTask,
  joinGroupsTask,
  leaveGroupsTask,
  loginClientTask,
  logoutClientTask,
  writeToClientTask,
} from "./client_commands.ts";
export {
  closeUsersTask,
  packBox,
  usersBody,
  writeToUsersTask,
  writeToWorkerTask,
} from "./gateway_commands.ts";
export {
  closeGroupTask,
  groupsBody,
  joinGroupTask,
  leaveGroupTask,
  writeToGroupsTask,
} from "./group_commands.ts";
export { connectGateway, gatewayName } from "./net/connect.ts";
export type { GatewayHost } from "./net/connect.ts";
export type { TlsTrust } from "./net/start_tls.ts";
export { Gate } from "./net/gate.ts";
export { Running } from "./net/running.ts";
export { BASE_SESSION_FIELDS, BaseSession } from "./net/base_session.ts";
export { CMD, Heartbeats } from "./net/heartbeats.ts";
export { MoveBoxes } from "./net/move_boxes.ts";
export { LameDuck } from "./net/lame_duck.ts";
export type { LameDuckOptions, LeavingClient } from "./net/lame_duck.ts";
export { DURATION_BOUNDS, Histogram } from "./metrics/histogram.ts";
export type { HistogramData } from "./metrics/histogram.ts";
export { ClientWatch } from "./net/client_watch.ts";
export type { ClientTimeouts, WatchedClient } from "./net/client_watch.ts";
export { MemoryLimit } from "./net/memory_limit.ts";
export type { MemoryHolder } from "./net/memory_limit.ts";
export { machineMemory } from "./process/machine_memory.ts";
export { DEFAULT_KEEP_ALIVE, KEEP_ALIVE, keepAlive } from "./net/keep_alive.ts";
export {
  acceptAll,
  DEFAULT_BACKLOG,
  formatAddress,
  listenError,
  listenTcp,
} from "./net/listen.ts";
export type { ListenTcpOptions } from "./net/listen.ts";
export {
  howToSharePorts,
  maySharePorts,
  SHARING_FLAG,
} from "./net/port_sharing.ts";
export { describeError, messageOf } from "./log/describe_error.ts";
export { droppedLogLines, writeOutLogs } from "./log/log_sink.ts";
export { printLine } from "./log/standard_streams.ts";
export { LOG_FORMATS } from "./log/log_line.ts";
export type { LogFields, LogFormat } from "./log/log_line.ts";
export { followLogSignals, setLogLevel } from "./log/log_signals.ts";
export type { InsteadOfLevel } from "./log/log_signals.ts";
export {
  createLogger,
  flushLog,
  LOG_LEVELS,
  reopenLog,
  RoleLogger,
  SILENT,
} from "./log/logger.ts";
export type { Logger, LoggerOptions, LogLevel } from "./log/logger.ts";
export { readInt32, writeInt32 } from "./int32.ts";
export { isInt64, readInt64, writeInt64 } from "./int64.ts";
export { parseIpv4 } from "./ip_address.ts";
export {
  addressAnswer,
  chainEnded,
  decodeGreeting,
  decodeIdentity,
  deliveryIdOf,
  encodeIdentity,
  endChain,
  endsChain,
  farewell,
  greet,
  hello,
  isChained,
  isExplicit,
  isHello,
  isPing,
  isRecall,
  isRedelivered,
  isUnrun,
  isWithdrawal,
  ping,
  pingIntervalMs,
  tookMsOf,
  withdrawal,
  writeAsk,
  writeDelivery,
  writeRecall,
} from "./pull.ts";
export type { Greeting, PeerIdentity } from "./pull.ts";
export { KnownGateway } from "./known_gateway.ts";
export { LISTED_MAX, parseInner, readGatewayList } from "./gateway_list.ts";
export type { ListedGateway, ListedState } from "./gateway_list.ts";
export { addOffline, answerQuery } from "./answer_query.ts";
export type { Asked, GroupsAsked } from "./answer_query.ts";
export { decodeQuery, encodeQuery, QUERY_MAX } from "./query_body.ts";
export type { Query } from "./query_body.ts";
export {
  decodeReceipt,
  encodeReceipt,
  noReceipt,
  receiptFor,
} from "./receipt_body.ts";
export type { GroupCount, Receipt } from "./receipt_body.ts";
export {
  challengeFrame,
  challengeOf,
  gatewayInput,
  isChallenge,
  peerInput,
  PROOF_FRAME_BYTES,
  PROOF_PART_BYTES,
  proofFrame,
  proofOf,
} from "./opening.ts";
export type { Proof } from "./opening.ts";
export { INNER_ROLES, isForbidden } from "./roles.ts";
export type { InnerRole } from "./roles.ts";
export { randomPart, Secret } from "./net/secret.ts";
export { CHALLENGE_MS, PeerOpening } from "./net/peer_opening.ts";
export type { OpeningStep } from "./net/peer_opening.ts";
export { headOf, Preamble } from "./net/preamble.ts";
export type {
  HeadReader,
  HeldHead,
  Incomplete,
  Verdict,
} from "./net/preamble.ts";
export {
  parseSecrets,
  readSecrets,
  SECRET_ENV,
} from "./process/read_secrets.ts";
export type {
  ReadSecretsOptions,
  SecretOptions,
} from "./process/read_secrets.ts";
export { PeerSecret } from "./process/peer_secret.ts";
export type { PeerSecretOptions } from "./process/peer_secret.ts";
export {
  ANSWER_MS,
  askGroupMembers,
  askGroupSize,
  askOnline,
  askUsers,
  missingOf,
  RECEIPT_MS,
  sumReceipts,
  taskReceipt,
  UNKNOWN_NODE,
  USERS_PAGE,
  writeReceipt,
} from "./receipts.ts";
export type { Asker } from "./receipts.ts";
export { AwaitedReceipts, canHaveReceipt } from "./awaited_receipts.ts";
export type { OnReceipt } from "./awaited_receipts.ts";
export { queryTask } from "./query_body.ts";
export { setProcessName } from "./process/process_name.ts";
export { tellServiceManager } from "./process/service_manager.ts";
export { PrometheusText } from "./metrics/prometheus.ts";
export type {
  HistogramSamples,
  MetricLabels,
  MetricSamples,
} from "./metrics/prometheus.ts";
export {
  isOwnHost,
  parseStatusAddress,
  serveStatus,
  STATUS_CONNS_MAX,
  statusUrl,
} from "./metrics/serve_status.ts";
export type {
  StatusGuard,
  StatusOptions,
  StatusRoute,
  StatusServer,
} from "./metrics/serve_status.ts";
export { onAbort } from "./on_abort.ts";
export {
  BYTES,
  checkChoice,
  checkNumber,
  checkNumbers,
  COUNT,
  listOf,
  MAX_INT32,
  MAX_TIMER_SECONDS,
  PEER_PORT,
  PORT,
  RATE,
  refuseRenamed,
  SECONDS,
} from "./options.ts";
export type { Range } from "./options.ts";
export { addFlag, hasFlag, isForNobody, removeFlag } from "./task.ts";
export { ClientPlaces } from "./net/client_places.ts";
export type { Placed } from "./net/client_places.ts";
export { packTransient } from "./transient_frame.ts";
export { checkLogin, readRspToUsers } from "./users_body.ts";
export {
  checkGroupNames,
  GROUP_NAME_BYTES,
  GROUP_NAMES_MAX,
  readRspToGroups,
} from "./groups_body.ts";
export { forEachMember } from "./audience.ts";
export { FanOut, SMALL_BYTES } from "./fan_out.ts";
export type { FanOutOptions, FanSession, OnSent } from "./fan_out.ts";
export { GROUPS_PER_CLIENT, GroupTable, mostGroups } from "./group_table.ts";
export type {
  Group,
  GroupLimits,
  GroupMember,
  JoinOutcome,
  Membership,
} from "./group_table.ts";
export { DEFAULT_BIND_TIMEOUT, whenFree } from "./net/when_free.ts";
export type { WhenFreeOptions } from "./net/when_free.ts";
export { Inbox } from "./net/inbox.ts";
export { tooManyUnread } from "./net/too_many_unread.ts";
export type { BoxHandler, InboxOptions, SentRequest } from "./net/inbox.ts";
export type { WaitOptions } from "./net/waiting.ts";
export { nextUids } from "./uid_page.ts";
export { SessionTable } from "./session_table.ts";
export type { TableSession } from "./session_table.ts";
export { LoopDelay } from "./metrics/loop_delay.ts";
export type {
  FrameHandler,
  FrameTransport,
  ServerTransport,
  Transport,
} from "./net/transport.ts";
export { WebSocketConn } from "./net/web_socket_conn.ts";
export type {
  WebSocketEvents,
  WebSocketOpenOptions,
} from "./net/web_socket_conn.ts";
export { ENTERING_FIELDS, Entrance } from "./net/entrance.ts";
export type {
  EnteringPiece,
  EntranceOptions,
  HandshakeStep,
  OnOpen,
  Refusal,
  Steps,
} from "./net/entrance.ts";
export {
  AddressLimits,
  PUBLIC_CONNECT_RATE,
  publicConnsOf,
} from "./net/address_limits.ts";
export type {
  AddressCause,
  AddressesPiece,
  AddressLimitsOptions,
  ConnectionLimits,
  CountedAddress,
} from "./net/address_limits.ts";
export { banTask, decodeBan } from "./ban_body.ts";
export { decodeDrain, drainTask } from "./drain_body.ts";
export { Bans, BANS_MAX } from "./net/bans.ts";
export type { Ban } from "./net/bans.ts";
export { addressName, isPublicAddress } from "./net/client_address.ts";
export { ClientRates, RATE_ACTIONS } from "./net/client_rates.ts";
export type {
  ClientRatesOptions,
  RateAction,
  RatedClient,
  RateKind,
  RateLimits,
} from "./net/client_rates.ts";
export { ClientLimits } from "./net/client_limits.ts";
export type {
  LimitedClient,
  LimitOptions,
  LimitsPiece,
} from "./net/client_limits.ts";
export { readDenyFile } from "./net/deny_file.ts";
export { LimitLog } from "./net/limit_log.ts";
export { TopAddresses } from "./net/top_addresses.ts";
export type { AddressCount } from "./net/top_addresses.ts";
export { ANY, parseOrigins, parsePath } from "./net/web_socket_origins.ts";
export { DEFAULT_PING, PING, WebSocketPings } from "./net/web_socket_pings.ts";
export type { Pinged, PingOptions } from "./net/web_socket_pings.ts";
export { WebSocketFault } from "./net/web_socket_fault.ts";
export type { WebSocketControls } from "./net/web_socket_decoder.ts";
export type { HandshakeOptions } from "./net/web_socket_handshake.ts";
export {
  transportFrom,
  transportOf,
  WebSocketTransport,
} from "./net/web_socket_transport.ts";
export { SOCKET_FIELDS } from "./net/socket_piece.ts";
export type { SocketPiece } from "./net/socket_piece.ts";
export type { WebSocketPiece } from "./net/web_socket_piece.ts";
export {
  DESCRIPTORS_MAX,
  LOCAL_PATH_MAX,
  MESSAGE_MAX,
  Passing,
} from "./net/passing.ts";
export type { LocalPeer, Received } from "./net/passing.ts";
export {
  DescriptorChannel,
  Message,
  PeerGone,
  PeerLate,
} from "./handover/descriptor_channel.ts";
export type { ReceivedMessage } from "./handover/descriptor_channel.ts";
export { HandoverDoor } from "./handover/door.ts";
export type { DoorOptions, Giver } from "./handover/door.ts";
export type { EarlyCopy } from "./handover/early_giving.ts";
export type { Write } from "./handover/give.ts";
export { ownBytes, StateInput } from "./handover/state_input.ts";
export {
  BaseStateReader,
  type StateClocks,
  type StateReaderOptions,
} from "./handover/base_state_reader.ts";
export type { StateHead, StateInputOptions } from "./handover/state_input.ts";
export { headerBytes, StateOutput } from "./handover/state_output.ts";
export type { StateSink, StateTaker } from "./handover/state_sink.ts";
export { whyNoRoom } from "./handover/why_no_room.ts";
export { GiverDied, lineOf, Taking } from "./handover/take.ts";
export type { AskOptions as AskPlaceOptions, Hello } from "./handover/take.ts";
export {
  givenTime,
  layoutOf,
  left,
  RecordReader,
  RecordWriter,
  takeFields,
  takenTime,
} from "./records.ts";
export type {
  DataKey,
  FieldKind,
  FieldPlan,
  Layout,
  Left,
  ReadRecord,
  RecordValues,
} from "./records.ts";
export type { Child, ChildEnd, ChildStart } from "./process/child.ts";
export type {
  Control,
  ControlMessage,
  ControlServerHandler,
  MasterMessage,
} from "./process/control.ts";
export { ControlClient } from "./process/control.ts";
export type { Relay, Relayed, Siblings } from "./process/siblings.ts";
export { fitOpenFiles, openFilesMax } from "./process/open_files.ts";
export type { Places } from "./process/open_files.ts";
export type { WatchedChild } from "./process/watched_child.ts";
export { mayTakeEnv, takeEnv } from "./process/env.ts";
export { takeEarlyWatch, watchMaster } from "./process/master_watch.ts";
export { CHILD_ENV, ChildProcess } from "./process/child_process.ts";
export { eachLine } from "./process/lines.ts";
export { stopLimitMs } from "./process/leaving.ts";
export { identityKey, identityOf, programName } from "./process/identity.ts";
export { Master } from "./process/master.ts";
export type { MasterContext, MasterOptions } from "./process/master.ts";
export type {
  ProcessMetrics,
  ProcessStatus,
} from "./process/process_status.ts";
export { runApp } from "./process/run_app.ts";
export type { ChildPlace, RunAppOptions, Runnable } from "./process/run_app.ts";
export { STOP_SIGNALS } from "./process/signals.ts";
export type { StopSignal } from "./process/signals.ts";
export type { SelfCommand } from "./process/self_command.ts";
export { selfCommand } from "./process/self_command.ts";
export {
  ON_UNHANDLED,
  unhandledErrors,
  watchUnhandled,
} from "./process/unhandled.ts";
export type { OnUnhandled, UnhandledWatch } from "./process/unhandled.ts";
export {
  pathAsCalled,
  returnToFolder,
  workingFolder,
} from "./process/working_folder.ts";
export { StatusTokens } from "./metrics/status_tokens.ts";
export { STATUS_TOKEN_ENV, StatusAccess } from "./process/status_access.ts";
export type { StatusAccessOptions } from "./process/status_access.ts";
