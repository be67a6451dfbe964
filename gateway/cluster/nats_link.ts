// NatsLink: one connection to a server of NATS, from when it is made to its end.

import { endedWithin } from "@maple/box/internal";
import type { NotCarried } from "./bus.ts";
import { NatsFlow } from "./nats_flow.ts";
import type { NatsTransport } from "./nats_transport.ts";
import { describeServer, type NatsServer } from "./nats_servers.ts";

/** What is used of NATS's own client. It is loaded when it is needed, and never otherwise. */
type Client = typeof import("./nats_client.ts");
type Connection = Awaited<ReturnType<Client["NatsConnectionImpl"]["connect"]>>;

// Not as a literal, see there.
const CLIENT = new URL("./nats_client.ts", import.meta.url).href;

// Milliseconds in which a server must have let this gateway in.
const OPEN_MS = 2000;
// Milliseconds that are waited for what was sent to leave.
const FLUSH_MS = 1000;
// A server that has given no sign of life for so many looks is given up: ten seconds.
const GIVE_UP_LOOKS = 40;
// Longer messages keep others waiting, whatever the server would take.
const MESSAGE_BYTES_MAX = 1024 * 1024;

// What a server says that has too much to do.
const BUSY = /^timeout$|maximum .*exceeded/i;
// How it looks when one ends a connection without a word; `EBADF` comes from Deno 2.4.
const BROKEN = /ended by the other party|ECONNRESET|EPIPE|EBADF|it has closed/;

/** The server is there, and cannot be used as it is told. */
export class NatsRefusal extends Error {}

/** What is shown to a server. */
export interface NatsCredentials {
  /** The file with the user's JWT and its key, as `nsc` writes it; read at each connection. */
  readonly credsFile: string;
  /** The file with those that vouch for servers, in PEM; empty = the system's. */
  readonly caFile: string;
  /** The file with the gateway's own certificate, where servers want one. */
  readonly certFile: string;
  /** The file with its private key. */
  readonly keyFile: string;
}

/** What {@linkcode NatsLink.open} needs. */
export interface NatsLinkOptions {
  /** The server. */
  readonly server: NatsServer;
  /** What it is shown. */
  readonly credentials: NatsCredentials;
  /** What the connection is called at the server. */
  readonly name: string;
  /** Bytes that may be on their way. */
  readonly bytesMax: number;
  /** The server gives no sign of life, or does so again. */
  readonly onLate: (isLate: boolean) => void;
  /** What it does not allow. */
  readonly onError: (message: string) => void;
}

/** One connection to a server of NATS. */
export class NatsLink {
  /** The server: `HOST:PORT`. */
  readonly at: string;
  /** Resolves when it has ended, to why. */
  readonly ended: Promise<string>;
  /** Bytes of the longest message. */
  readonly maxBytes: number;
  readonly #connection: Connection;
  readonly #flow: NatsFlow;
  readonly #onError: (message: string) => void;
  #error: string | undefined;
  #giveUp!: (why: string) => void;

  private constructor(
    connection: Connection,
    { server, bytesMax, onLate, onError }: NatsLinkOptions,
  ) {
    this.at = describeServer(server);
    this.#connection = connection;
    this.#onError = (message) => {
      this.#error ??= message;
      onError(message);
    };
    const { max_payload = MESSAGE_BYTES_MAX } = connection.info ?? {};
    this.maxBytes = Math.min(max_payload, MESSAGE_BYTES_MAX);
    const flush = () => connection.flush();
    this.#flow = new NatsFlow({ bytesMax, flush, onLate });
    this.ended = new Promise((resolve) => {
      this.#giveUp = resolve;
      connection.closed().then((error) =>
        resolve(error ? error.message : "the connection has ended")
      );
    });
    void this.#watch();
  }

  /**
   * Connects to a server.
   *
   * @throws {NatsRefusal} with one line, when the server is there and cannot be used.
   * @throws {Error} with one line, when it is not there.
   */
  static async open(options: NatsLinkOptions): Promise<NatsLink> {
    const { server, name, credentials } = options;
    const at = describeServer(server);
    const { client, NatsTransport } = await load();
    const tls = secured(server, credentials);
    let transport: NatsTransport | undefined;
    client.setTransportFactory({
      factory: () => transport = new NatsTransport(client.checkOptions),
    });
    try {
      const connection = await client.NatsConnectionImpl.connect({
        servers: [at],
        name,
        ...shown(server),
        ...authenticated(client, credentials),
        ...tls,
        noEcho: true,
        reconnect: false,
        ignoreClusterUpdates: true,
        timeout: OPEN_MS,
      });
      return new NatsLink(connection, options);
    } catch (error) {
      const { message } = error as Error;
      // Over TLS a certificate that is missing looks like that too.
      const isBroken = BROKEN.test(message) && !transport?.isEncrypted();
      // One that is not there may come, and so may one that has too much to do.
      if (!transport?.isGreeted || BUSY.test(message) || isBroken) {
        throw new Error(`${at}: ${message}`);
      }
      throw new NatsRefusal(
        `the NATS server at ${at} cannot be used: ${message}`,
      );
    }
  }

  /** The first thing that the server has not allowed; undefined where there is none. */
  get error(): string | undefined {
    return this.#error;
  }

  /** Messages that the server has not said to have got. */
  get unanswered(): number {
    return this.#flow.messages;
  }

  /** Whether the server gives no sign of life. */
  get isLate(): boolean {
    return this.#flow.isLate;
  }

  /** Takes what is published there. */
  listen(subject: string, onMessage: (message: Uint8Array) => void): void {
    if (this.#connection.isClosed()) return;
    this.#connection.subscribe(subject, {
      callback: (error, { data }) => {
        if (error) return this.#onError(error.message);
        // Without the client's own kind of bytes, whose slices are no copies.
        const { buffer, byteOffset, length } = data;
        onMessage(new Uint8Array(buffer, byteOffset, length));
      },
    });
  }

  /** Sends a message; gives why it is not carried. */
  publish(
    subject: string,
    message: Uint8Array,
  ): keyof NotCarried | undefined {
    if (this.#connection.isClosed()) return "away";
    if (this.#flow.isLate) return "late";
    if (!this.#flow.hasRoomFor(message.length)) return "full";
    this.#connection.publish(subject, message);
    this.#flow.sent(message.length);
    return undefined;
  }

  /** To be called every `LOOK_MS`. */
  look(): void {
    this.#flow.look();
    if (this.#flow.looks < GIVE_UP_LOOKS) return;
    this.#giveUp("no sign of life");
    void this.#end();
  }

  /** Resolves when the server has got all that it was sent, or it takes too long. */
  async flushed(): Promise<void> {
    if (!this.#connection.isClosed() && !this.isLate) {
      await endedWithin(
        this.#connection.flush().catch(() => {}),
        FLUSH_MS,
      );
    }
  }

  /** Lets what was sent leave, and ends. */
  async close(): Promise<void> {
    await this.flushed();
    await this.#end();
  }

  async #end(): Promise<void> {
    await this.#connection.close().catch(() => {});
  }

  // What the server says: what it does not allow comes in no other way.
  async #watch(): Promise<void> {
    for await (const status of this.#connection.status()) {
      if (status.type === "error") this.#onError(status.error.message);
    }
  }
}

async function load() {
  try {
    const client: Client = await import(CLIENT);
    const { NatsTransport } = await import("./nats_transport.ts");
    return { client, NatsTransport };
  } catch (error) {
    const hint = Deno.build.standalone
      ? '; a compiled program needs import "@maple/gateway/nats"'
      : "";
    throw new NatsRefusal(
      `npm:@nats-io/transport-node, which --cluster needs, cannot be loaded: ${
        (error as Error).message
      }${hint}`,
    );
  }
}

function shown({ user, pass, token }: NatsServer) {
  return {
    ...(user !== undefined && { user }),
    ...(pass !== undefined && { pass }),
    ...(token !== undefined && { token }),
  };
}

function authenticated(client: Client, { credsFile }: NatsCredentials) {
  if (credsFile === "") return {};
  const read = () => Deno.readFileSync(credsFile);
  return { authenticator: client.credsAuthenticator(read) };
}

function secured(
  { tls }: NatsServer,
  { caFile, certFile, keyFile }: NatsCredentials,
) {
  if (!tls && caFile === "" && certFile === "") return {};
  return {
    tls: {
      ...(caFile !== "" && { ca: Deno.readTextFileSync(caFile) }),
      ...(certFile !== "" && {
        cert: Deno.readTextFileSync(certFile),
        key: Deno.readTextFileSync(keyFile),
      }),
    },
  };
}
