/**
 * maple: a toolkit for real-time servers over long-lived connections, whose logic changes many
 * times a day without a client noticing.
 *
 * This package is all five in one: `@maple/box` (frames), `@maple/haven` (routes, hooks, the
 * one-process server), `@maple/gateway`, `@maple/worker` and `@maple/trigger`. Import those you
 * need by their own names, or all of them from here.
 *
 * As a program it is those of all packages: `deno run -A jsr:@maple/maple help`.
 *
 * @example
 * ```ts ignore
 * import { Box, Worker } from "@maple/maple";
 *
 * const app = new Worker(Box);
 * app.route(1, (request) => ({ body: request.box.body }));
 * await app.run("127.0.0.1", 28000, { workers: 2 });
 * ```
 *
 * @module
 */

export {
  type AskOptions,
  type BanOptions,
  type BodyInput,
  Box,
  type BoxClass,
  boxClass,
  type BoxClassOptions,
  type BoxData,
  BoxError,
  type BoxErrorCode,
  type BoxErrorOptions,
  type BoxFields,
  type BoxHandler,
  type BoxInit,
  type BoxMethods,
  type BoxOf,
  type BufferMeter,
  type ByteOrder,
  type ByteWriter,
  Client,
  type ClientConnection,
  type ClientConnectionEvents,
  type ClientOptions,
  type ClientRequestOptions,
  type ClientSession,
  type ClientState,
  type Connector,
  type ConnectorOptions,
  decodeCloseUsers,
  decodeGroups,
  decodeRspToGroups,
  decodeRspToUsers,
  DEFAULT_MAX_FRAME_BYTES,
  type DenoClientOptions,
  type DrainOptions,
  encodeCloseUsers,
  encodeGroups,
  encodeRspToGroups,
  encodeRspToUsers,
  type FieldsOf,
  type FieldSpec,
  type FieldType,
  type FieldValue,
  FrameFault,
  FrameReader,
  type FrameReaderOptions,
  type Framing,
  type GroupMessage,
  type GroupMessageOptions,
  type GroupSelection,
  type GroupsRow,
  type HeaderSchema,
  type Int64,
  ipFromBytes,
  ipToBytes,
  type JsonValue,
  LineBox,
  type LineFields,
  MAGIC,
  Outbox,
  type OutboxOptions,
  type RawIp,
  type ReceiptOptions,
  type RequestOptions,
  RET,
  type SendOptions,
  SpecialUid,
  Task,
  TaskCmd,
  TaskFlag,
  type TaskInit,
  TaskOffset,
  type TaskReceipt,
  TcpClient,
  type TcpClientOptions,
  toInt64,
  type UserMessage,
  type UserSelection,
  type UsersOptions,
  type UsersRow,
  type WebSocketClass,
  type WebSocketLike,
  type WorkerTaskParams,
  type WriteReceipt,
} from "@maple/box";
export {
  type Bus,
  type BusReceiver,
  type ChangeableLimits,
  type ClusterGateway,
  type ClusterStats,
  type CommandStats,
  type DroppedAnswers,
  type DroppedMessages,
  Gateway,
  type GatewayCounters,
  GatewayError,
  type GatewayLimits,
  type GatewayOptions,
  type GatewayStats,
  type GoneRequests,
  type GroupStats,
  type InnerCommand,
  type MemberState,
  type Moves,
  type NotCarried,
  type OuterTransport,
  type PeerIdentity,
  type QueueStops,
  type ReceiptOutcomes,
  type RefusedJoins,
  type TaskOrder,
  type UnprovenVisitors,
  type WorkerStats,
} from "@maple/gateway";
export {
  type Answer,
  type AnyApp,
  type AnyRequest,
  App,
  type AppOptions,
  AppRequest,
  Blueprint,
  type BlueprintFor,
  Connection,
  type ConnOf,
  GHaven,
  type Handler,
  Haven,
  HavenError,
  type HavenErrorCode,
  type HavenListenOptions,
  type HavenOptions,
  HavenRequest,
  type HavenRunOptions,
  type HavenStats,
  Reply,
  type Returned,
  type RouteOptions,
  type Routes,
  THaven,
  type UntypedState,
} from "@maple/haven";
export {
  type BanReceipt,
  Trigger,
  TriggerError,
  type TriggerErrorCode,
  type TriggerGateway,
  type TriggerOptions,
  VirtualRequest,
} from "@maple/trigger";
export {
  type AttachOptions,
  type EndpointStats,
  type GatewayAddress,
  type GatewayLinkStats,
  type RunOptions,
  type TaskKindStats,
  Worker,
  WorkerError,
  type WorkerOptions,
  type WorkerProcessStats,
  WorkerRequest,
} from "@maple/worker";

// Who imports this for its classes does not load the programs.
if (import.meta.main) {
  const { main } = await import("./main.ts");
  Deno.exit(await main(Deno.args));
}
