// What a gateway can be told.

import type { BoxClass } from "@maple/box";
import type { IoKind, Logger, RateAction } from "@maple/box/internal";
import type { Bus } from "./cluster/bus.ts";
import type { GoneRequests, TaskOrder } from "./queue/task_queue.ts";

/** What a gateway can be told; every option has a default. */
export interface GatewayOptions {
  /** The class of the boxes that clients speak. @default {Box} */
  boxClass?: BoxClass<object>;
  /** Where clients connect. @default {"0.0.0.0"} */
  outerHost?: string;
  /** Port for clients; 0 is any free one. @default {29000} */
  outerPort?: number;
  /** Port for WebSocket clients, at `outerHost`; 0 is any free one. @default none */
  wsPort?: number | undefined;
  /** The only path at which a WebSocket is opened; `"*"` is any. @default {"*"} */
  wsPath?: string;
  /**
   * The origins of the web pages that may open a WebSocket, as in `https://example.org`, in an
   * array or with commas between them; `"*"` is any. A client that tells none is no browser, and
   * may come. @default {"*"}
   */
  wsOrigins?: string | readonly string[];
  /**
   * Seconds between two pings of a WebSocket; one is closed that gives no sign of life over two of
   * them. 0 = no pings. @default {25}
   */
  wsPing?: number;
  /**
   * The command of a box that clients send as a sign of life, and to get one: it is answered here,
   * with `ret` 0 and no body, and no worker sees it. @default none
   */
  heartbeatCmd?: number | undefined;
  /**
   * The command of a box by which clients tell that they know how to move to another gateway, and
   * by which they are asked to when this one leaves: see `lameDuck`. No worker sees it.
   * @default none
   */
  moveCmd?: number | undefined;
  /** Port for clients over TLS, at `outerHost`, from Deno 2.8 on; 0 is any. @default none */
  tlsPort?: number | undefined;
  /** Port for WebSocket clients over TLS, likewise. @default none */
  wssPort?: number | undefined;
  /**
   * Files with the certificate, and those that vouch for it, in PEM, in an array or with commas
   * between them: with several each client is shown the one for the name that it asks for, or the
   * first. @default none
   */
  tlsCert?: string | readonly string[];
  /** Files with their private keys in PEM, in the same order. @default none */
  tlsKey?: string | readonly string[];
  /**
   * Addresses and ranges (`10.0.0.0/8`) of proxies, in an array or with commas between them: each
   * connection from them must begin with a header of the PROXY protocol, version 1 or 2, and is
   * that of the client that it names. @default none
   */
  proxyProtocol?: string | readonly string[];
  /**
   * Addresses and ranges of clients that may not connect, in an array or with commas between them.
   * @default none
   */
  deny?: string | readonly string[];
  /**
   * A file with more of them, one a line; what follows a `#` is passed over. @default none
   */
  denyFile?: string;
  /**
   * Where workers and triggers connect. Elsewhere than at this machine's own address they have to
   * prove themselves by a secret, or come from one of `innerOpen`. @default {"127.0.0.1"}
   */
  innerHost?: string;
  /**
   * The secrets by which workers, triggers, monitors and admins prove themselves, as
   * `role:secret`, in an array or with commas between them. With none here and in
   * `innerSecretFile`, those of the environment variable `MAPLE_INNER_SECRET`. @default none
   */
  innerSecrets?: string | readonly string[];
  /**
   * A file with such secrets, one a line, which nobody but its owner may read. @default none
   */
  innerSecretFile?: string;
  /**
   * Addresses and ranges (`10.0.0.0/8`), in an array or with commas between them, from which
   * workers and triggers come without proof, those of the original system for instance.
   * @default none
   */
  innerOpen?: string | readonly string[];
  /** Port for workers and triggers; 0 is any free one. @default {28000} */
  innerPort?: number;
  /**
   * A further port for workers and triggers, which is not shared where `innerPort` is; 0 is any
   * free one. @default none
   */
  innerOwnPort?: number | undefined;
  /** In which order the frames of one client are handed out. @default {"client"} */
  order?: TaskOrder;
  /**
   * Where the sockets come from: `deno` = Deno's own; `epoll` = the system's by FFI, faster and
   * smaller, on Linux only, with `--allow-ffi`. @default {"deno"}
   */
  io?: IoKind;
  /**
   * Whether all ports are shared with other gateways of the same user, each of which gets a part of
   * those who connect; Deno's own sockets need `--unstable-net` for it. @default {false}
   */
  reusePort?: boolean;
  /**
   * Clients that have connected and are not yet let in; further ones try again after a second. On
   * Linux no more than `net.core.somaxconn`; Deno 2.4 does not take it. @default {4096}
   */
  backlog?: number;
  /**
   * Client connections; one more gets the place of one that is on its way out, or has waited
   * longest without ever sending a whole frame, being logged in or written to; where there is none
   * it is closed at once. @default {10000}
   */
  connsMax?: number;
  /**
   * Client connections at a time from one address, of IPv6 from one /64; one more is closed at
   * once. 0 = any number. The default is for public addresses only: behind one of this machine or
   * of a private network may be a load balancer with all clients. Proxies (`proxyProtocol`) are
   * not counted, but those for whom they speak. @default {half of connsMax}
   */
  connsPerAddress?: number;
  /**
   * New connections a second from one address, counted likewise, and twice as many at once; one
   * more is closed at once. 0 = any number. The default is for public addresses only.
   * @default {1000}
   */
  connectRate?: number;
  /** Seconds without a frame after which a client is closed; 0 = never. @default {0} */
  connTimeout?: number;
  /**
   * Seconds within which a client must have sent its first whole frame, unless it is logged in;
   * 0 = never. @default {0}
   */
  firstFrameTimeout?: number;
  /** Seconds within which a frame that has begun must be whole; 0 = never. @default {30} */
  frameTimeout?: number;
  /**
   * Seconds after which a client is closed that has taken none of the bytes that wait for it;
   * 0 = never. @default {30}
   */
  writeTimeout?: number;
  /**
   * Bytes of memory that unfinished frames and what is to be sent may take, of all connections
   * together; then whoever holds most is closed. @default {a quarter of the memory}
   */
  memoryBytes?: number;
  /**
   * Seconds after which a client, worker or trigger that has vanished without a word is found, also
   * where nothing is sent to it; 0 = the system's own time, two hours on Linux. Other systems than
   * Linux, and a program without `--allow-ffi`, have that in any case. @default {120}
   */
  keepAlive?: number;
  /** Bytes of a client's frame; a longer one closes the connection. @default {1048576} */
  frameBytes?: number;
  /**
   * Frames a second from one client, and twice as many at once, heartbeats and pings of a
   * WebSocket included; 0 = any number. @default {0}
   */
  clientRate?: number;
  /**
   * Bytes of frames a second from one client, and twice as many at once; 0 = any number.
   * @default {0}
   */
  clientBytesRate?: number;
  /**
   * What is done with a client that sends more: `slow` = it is not read from until it may send
   * again, so that it has to wait and loses nothing; `close` = it is closed. @default {"slow"}
   */
  rateAction?: RateAction;
  /**
   * A client's frames that wait or are with a worker; at this many the client is not read from
   * until half of them are done. @default {128}
   */
  clientQueueMax?: number;
  /**
   * Tasks that wait. Each client that has something waiting may have its share of them, and one in
   * any case; at that it is not read from until half of its share is left. A trigger is not read
   * from while so many wait, until a quarter of them is gone. When so many clients have one waiting
   * a further one gets `RET.BUSY`. @default {100000}
   */
  queueMax?: number;
  /** Bytes that the waiting tasks may take; as `queueMax`. @default {268435456} */
  queueBytes?: number;
  /**
   * Times that workers are still to be told that a client came or is gone; at this many no client
   * is let in until a quarter of them is done. @default {100000}
   */
  newsMax?: number;
  /**
   * What is done with the requests of a client that is gone while they wait. Nobody gets the
   * answer, but what the handler does may be wanted all the same. `yield`: they are run, unless
   * others need their room; `run`: they are run in any case; `drop`: they are dropped.
   * @default {"yield"}
   */
  goneRequests?: GoneRequests;
  /**
   * Bytes that may wait to be sent to one client; a client that lets more pile up is closed.
   * @default {4194304}
   */
  outboxBytes?: number;
  /**
   * Seconds within which a client whose connection is closed must have read what was sent to it
   * before; then it is cut. @default {30}
   */
  linger?: number;
  /**
   * Groups that a client may be in, up to 10,000; a join of one more is ignored and counted.
   * @default {100}
   */
  groupsPerClient?: number;
  /** Groups that there may be; a join of one more is ignored and counted. @default {1000000} */
  groupsMax?: number;
  /**
   * Bytes that may be on their way to many clients: a message counts for each of its receivers, and
   * as 512 bytes where it is smaller. While there are more, a further message to many waits, and
   * whoever sent it is not read from. Of what each other gateway of a cluster has passed on as much
   * may wait behind it; what is more is dropped and counted. @default {16777216}
   */
  fanOutBytes?: number;
  /**
   * Bytes of a worker's or trigger's frame, and four times as many may wait to be sent to it; more
   * closes the connection. @default {16777216}
   */
  innerFrameBytes?: number;
  /** Connections of workers and triggers; one more is closed at once. @default {1000} */
  innerConnsMax?: number;
  /**
   * How many of these only workers can have, at most half of them: what triggers use up must not
   * keep workers out. @default {100}
   */
  innerReserve?: number;
  /**
   * Tasks that one worker connection may have asked for at a time; further asks are ignored.
   * @default {1024}
   */
  creditsMax?: number;
  /**
   * Frames of one client that go to a worker in a row while there are clients that send one at a
   * time, to be run in their order. Where there are none, nine times as many while others wait for
   * a worker, and where nobody waits it may hold up to 64. Only for order "client", short tasks and
   * workers of ours. 1 = one at a time, as with a `maxDeliveries` of 1. @default {2}
   */
  chainMax?: number;
  /**
   * How often a task is handed out at most, when workers are lost with it. 1 = at most once.
   * @default {2}
   */
  maxDeliveries?: number;
  /**
   * The same for a worker of the original system, which does not tell apart that it was stopped
   * and that it was killed: a client's request that it leaves unanswered is handed out again, what
   * nobody waits for counts as done. @default {the value of maxDeliveries}
   */
  originalMaxDeliveries?: number;
  /**
   * Seconds that a request waits for a worker; then the client gets `RET.BUSY`. 0 = without end.
   * @default {60}
   */
  parkTime?: number;
  /**
   * Seconds without a sign of life after which a worker of ours counts as lost and its tasks go to
   * others; 0 = never. @default {15}
   */
  workerTimeout?: number;
  /**
   * Seconds without a frame after which a worker of the original system that holds a task counts
   * as lost; 0 = never, since it gives no sign of life while it works. @default {0}
   */
  originalWorkerTimeout?: number;
  /** Seconds that `close` waits for what is queued. @default {10} */
  drainTimeout?: number;
  /**
   * Seconds over which `close` takes leave of the clients, one after the other, while all are still
   * served: who knows `moveCmd` is asked to move, the others are closed when they have their
   * answers. 0 = all are closed at once. @default {0}
   */
  lameDuck?: number;
  /**
   * Seconds before that in which new clients are still let in, so that a load balancer sees that
   * the gateway is not ready any more. @default {10}
   */
  lameDuckNotice?: number;
  /** Seconds that a client may take to move; then it is closed as the others. @default {10} */
  moveTimeout?: number;
  /**
   * Seconds that `listen` waits for an address that another program still has, such as a gateway
   * that is just leaving; 0 = not at all. @default {10}
   */
  bindTimeout?: number;
  /**
   * The path of a Unix socket, which only this user can open. A gateway that listens there is asked
   * for its place: this one goes on with all that it holds, and it ends. Then others can ask this
   * one there. Needs `io` epoll. @default none
   */
  handover?: string;
  /**
   * Seconds that all may stand still while another one takes the place of this one; then this one
   * goes on. @default {5}
   */
  handoverTimeout?: number;
  /**
   * Seconds for which a process that another one has replaced stays for clients over TLS that ends
   * in it; then it closes those that are left. 0 = until the last of them has gone.
   * @default {86400}
   */
  handoverStay?: number;
  /**
   * The number of this gateway in every task's `nodeId`, 0 or more, which no other one of its
   * cluster may have. @default {0; in a cluster the lowest that is free}
   */
  nodeId?: number;
  /**
   * The servers of NATS over which this gateway is one with others, as `nats://HOST:PORT` with
   * commas between them, of which one is used at a time; a user and password or a token as in
   * `nats://USER:PASSWORD@HOST`, `tls://` where it must be over TLS. @default none
   */
  cluster?: string;
  /** What the cluster is called; several can share a bus. @default {"maple"} */
  clusterName?: string;
  /**
   * The file with the user's JWT and key that is shown to these servers, as NATS's tools write it.
   * @default none
   */
  clusterCreds?: string;
  /** The file with those that vouch for these servers, in PEM. @default the system's */
  clusterTlsCa?: string;
  /** The file with a certificate of this gateway, where the servers want one. @default none */
  clusterTlsCert?: string;
  /** The file with its private key. @default none */
  clusterTlsKey?: string;
  /**
   * Where workers and triggers reach this gateway, `HOST:PORT`, as it tells those that have come to
   * another one of the cluster. @default where it listens
   */
  innerAdvertise?: string;
  /**
   * Bytes that may be on their way to the other gateways, and bytes that have come from them and
   * wait; what is beyond is dropped and counted. One frame of `innerFrameBytes` may be in any case.
   * @default {67108864}
   */
  clusterBytes?: number;
  /** What carries messages to the other gateways; for programs of your own. @default none */
  bus?: Bus | undefined;
  /** Where to log; by default warnings and errors go to stderr. */
  logger?: Logger;
  /** Closes the gateway, in order, when it is aborted. */
  signal?: AbortSignal;
}
