// How a haven server is run: addresses, limits, times and processes.

import type {
  IoKind,
  LogFormat,
  OnUnhandled,
  RateAction,
} from "@maple/box/internal";

/** What `listen` takes; every option has a default. */
export interface HavenListenOptions {
  /** Name or IP address to listen at. @default {"127.0.0.1"} */
  host?: string;
  /** Port for TCP clients; 0 = any free one. @default {7777} */
  port?: number;
  /** Port for WebSocket clients; 0 = any free one. @default none */
  websocketPort?: number;
  /**
   * Where the sockets come from: `deno` = Deno's own; `epoll` = the system's by FFI, faster and
   * smaller, on Linux only, with `--allow-ffi`; not in the threads of a `THaven`.
   * @default {"deno"}
   */
  io?: IoKind;
  /** The only path at which a WebSocket is opened; `"*"` is any. @default {"*"} */
  websocketPath?: string;
  /**
   * The origins of the web pages that may open a WebSocket, as in `https://example.org`, in an
   * array or with commas between them; `"*"` is any. A client that tells none is no browser, and
   * may come. @default {"*"}
   */
  websocketOrigins?: string | readonly string[];
  /**
   * Seconds between two pings of a WebSocket; one is closed that gives no sign of life over two of
   * them. 0 = no pings. @default {25}
   */
  websocketPing?: number;
  /**
   * The command of a box that clients send as a sign of life, and to get one: it is answered with
   * `ret` 0 and no body, without hooks and handlers. @default none
   */
  heartbeatCmd?: number;
  /**
   * The command of a box by which clients tell that they know how to move to another connection,
   * and by which they are asked to when the server leaves: see `lameDuck`. @default none
   */
  moveCmd?: number;
  /**
   * Addresses and ranges (`10.0.0.0/8`) of proxies, in an array or with commas between them: each
   * connection from them must begin with a header of the PROXY protocol, version 1 or 2, and is
   * that of the client that it names. @default none
   */
  proxyProtocol?: string | readonly string[];
  /**
   * Addresses and ranges of clients that may not connect, in an array or with commas between them;
   * `Haven.setDeny` changes them. @default none
   */
  deny?: string | readonly string[];
  /**
   * Seconds without a frame after which a client is closed, unless a request of it is being
   * handled; 0 = never. @default {0}
   */
  timeout?: number;
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
   * Bytes of memory that unfinished frames, waiting requests and what is to be sent may take, of
   * all connections of a process or thread together; then whoever holds most is closed.
   * @default {a quarter of the memory, shared by the processes or threads}
   */
  memoryBytes?: number;
  /**
   * Seconds after which a client that has vanished without a word is found, also where nothing is
   * sent to it; 0 = the system's own time, two hours on Linux. Other systems than Linux, and a
   * program without `--allow-ffi`, have that in any case. @default {120}
   */
  keepAlive?: number;
  /**
   * Client connections; one more gets the place of one that is on its way out, or has waited
   * longest without ever sending a whole frame or being written to; where there is none it is
   * closed at once. @default {10000}
   */
  connsMax?: number;
  /**
   * Client connections at a time from one address, of IPv6 from one /64; one more is closed at
   * once. 0 = any number. The default is for public addresses only: behind one of this machine or
   * of a private network may be a load balancer with all clients. Proxies (`proxyProtocol`) are
   * not counted, but those for whom they speak. Each process or thread counts its own.
   * @default {half of connsMax}
   */
  connsPerAddress?: number;
  /**
   * New connections a second from one address, counted likewise, and twice as many at once; one
   * more is closed at once. 0 = any number. The default is for public addresses only.
   * @default {1000}
   */
  connectRate?: number;
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
  /** Bytes of a client's frame; a longer one closes the connection. @default {1048576} */
  frameBytes?: number;
  /**
   * Bytes that may wait to be sent to one client; a client that lets more pile up is closed. Four
   * times as much may wait while it takes it, or is sent in one go. @default {4194304}
   */
  outboxBytes?: number;
  /**
   * Seconds within which a client whose connection is closed must have read what was sent to it
   * before; then it is cut. @default {30}
   */
  linger?: number;
  /**
   * Requests of one client that wait behind the one that is handled; with more the client is not
   * read from until half of them are done. @default {128}
   */
  connQueueMax?: number;
  /**
   * Groups that a client may be in, up to 10,000; a join of one more is ignored, counted and logged
   * once.
   * @default {100}
   */
  groupsPerClient?: number;
  /** Groups that a process or thread may have; the same. @default {1000000} */
  groupsMax?: number;
  /** Seconds that `close` waits for the requests that are being handled. @default {10} */
  stopTimeout?: number;
  /**
   * Seconds before that over which `close`, when it accepts no more, takes leave of the clients one
   * after the other, while all are still served: who knows `moveCmd` is asked to move, the others
   * are closed when they have their answers. 0 = all are closed at once. @default {0}
   */
  lameDuck?: number;
  /** Seconds that a client may take to move; then it is closed as the others. @default {10} */
  moveTimeout?: number;
  /**
   * Seconds to wait for an address that another program still has, such as a server that is just
   * leaving; 0 = not at all. @default {10}
   */
  bindTimeout?: number;
  /** Closes the server when it is aborted. */
  signal?: AbortSignal;
}

/** What `run` takes; every option has a default. */
export interface HavenRunOptions extends HavenListenOptions {
  /**
   * Of a `GHaven` the processes, of a `THaven` the threads that share the port; 0 = serve in this
   * process, for tests and debuggers. A `Haven` takes only 0 or 1; with `io: "epoll"`, 1 has it
   * serve in a child process, which HUP replaces while its clients stay. @default {1}
   */
  workers?: number;
  /**
   * Seconds that the event loop of a `GHaven`'s process or a `THaven`'s thread may stand still, as
   * in a handler that computes, until it is killed, its clients with it, and replaced; 0 = any.
   * @default {15}
   */
  workTimeout?: number;
  /**
   * Seconds in which a process that HUP has started must have taken the place of the one before it;
   * else that one stays. @default {30}
   */
  reloadTimeout?: number;
  /**
   * Seconds for which clients may have to wait while one process hands them over to another at HUP:
   * first for the requests, timers and handOver hooks that run, then for the handover itself; else
   * the old process stays, with all of them, and the log says what took so long. As long again may
   * the takeOver hooks take. At least 0.1.
   * @default {5}
   */
  handoverTimeout?: number;
  /**
   * A further signal that stops safely, as TERM does: for supervisor files of the original's time
   * that send USR1. @default none
   */
  stopSignal?: "SIGUSR1" | "SIGUSR2" | "SIGINT" | "SIGQUIT";
  /** Log more. @default {false} */
  debug?: boolean;
  /**
   * How the log is written: `json` is one object a line. A `logger` of yours writes as it likes.
   * @default {"text"}
   */
  logFormat?: LogFormat;
  /**
   * What becomes of a process or thread in which a promise is rejected that nobody awaits, or
   * something is thrown outside of any handler: `log` = it is logged as ERROR and counted, and all
   * goes on; `exit` = it is logged and ends. Before the start is over it ends in any case.
   * @default {"log"}
   */
  onUnhandled?: OnUnhandled;
}
