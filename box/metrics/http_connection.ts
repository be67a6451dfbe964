// HttpConnection: one connection of the status server, which carries one request and its answer.

/** Answers a request that was read. Rejects when it cannot. */
export type HttpHandler = (
  request: HttpRequest,
) => Response | Promise<Response>;

/** The head of a request. */
export interface HttpRequest {
  /** `GET` and so on. */
  readonly method: string;
  /** What is asked for: a path, with a query if there is one. */
  readonly target: string;
  /** Its header `Host`; undefined when an HTTP/1.0 client sends none. */
  readonly host: string | undefined;
  /** Its header `Authorization`; undefined when it has none. */
  readonly authorization: string | undefined;
}

/** Milliseconds that the head of a request may take. */
export const HEAD_MS = 10_000;
/** Bytes that it may have. */
export const HEAD_MAX_BYTES: number = 16 * 1024;
/** Milliseconds in which whoever asked must take the next piece of its answer. */
export const WRITE_MS = 30_000;
// Milliseconds that a connection is kept after its answer, for the other side to close it: closed
// here while bytes of the other side are unread it would be reset, and the answer lost.
const LINGER_MS = 2000;

const REQUEST_LINE = /^([A-Z]{1,20}) (\/[\x21-\x7e]*) HTTP\/1\.([01])$/;
const HEADER_LINE = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([^\0\r\n]*?)[ \t]*$/;
// A name, or an address in brackets; then a port.
const HOST = /^(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?$/;

const CRLF: Uint8Array = encode("\r\n");

/** A request that is none, and what is answered. */
class BadRequest extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/**
 * One connection, which carries one request and its answer: small enough that nothing in it is
 * without a bound. Deno's own HTTP server can bound neither how long a head takes nor how many
 * connections there are, and ends for good when the system has no descriptor left.
 */
export class HttpConnection {
  readonly #conn: Deno.Conn;
  readonly #handler: HttpHandler;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #body: ReadableStreamDefaultReader<Uint8Array> | undefined;
  #answering = false;
  #closed = false;

  /** @param conn The connection, which belongs to this object from now on. */
  constructor(conn: Deno.Conn, handler: HttpHandler) {
    this.#conn = conn;
    this.#handler = handler;
  }

  /** Whether its request has come and it is not yet answered. */
  get isAnswering(): boolean {
    return this.#answering;
  }

  /** Ends it at once. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#conn.close();
    this.#cancelBody();
  }

  /** Reads the request, answers it and ends. Never rejects. */
  async run(): Promise<void> {
    try {
      await this.#serve();
      await this.#conn.closeWrite();
      this.#within(LINGER_MS);
      const rest = new Uint8Array(1024);
      while (await this.#conn.read(rest) !== null);
    } catch {
      // The other side has gone, or took too long; there is nobody to tell.
    } finally {
      this.close();
    }
  }

  async #serve(): Promise<void> {
    this.#within(HEAD_MS);
    let request: HttpRequest & { isOld: boolean };
    try {
      const head = await this.#readHead();
      if (head === undefined) return;
      request = parseHead(head);
    } catch (error) {
      if (!(error instanceof BadRequest)) throw error;
      const { status, message } = error;
      return await this.#write(textResponse(`${message}\n`, status), {
        isOld: true,
        withBody: true,
      });
    }
    this.#answering = true;
    clearTimeout(this.#timer);
    try {
      await this.#write(await this.#handler(request), {
        isOld: request.isOld,
        withBody: request.method !== "HEAD",
      });
    } finally {
      this.#answering = false;
    }
  }

  // Closes it unless something else happens in time.
  #within(ms: number): void {
    clearTimeout(this.#timer);
    if (!this.#closed) this.#timer = setTimeout(() => this.close(), ms);
  }

  // Up to the empty line; what follows is not looked at. Undefined when nothing comes.
  async #readHead(): Promise<string | undefined> {
    const bytes = new Uint8Array(HEAD_MAX_BYTES);
    const decoder = new TextDecoder("latin1");
    let length = 0;
    for (;;) {
      const count = await this.#conn.read(bytes.subarray(length));
      if (count === null) {
        if (length === 0) return undefined;
        throw new BadRequest(400, "The request is not whole.");
      }
      // Who speaks something else, a worker or a TLS client, may wait for the answer to it.
      if (length === 0 && !isCapital(bytes[0]!)) throw noRequest();
      // The empty line may begin in what came before.
      const from = Math.max(0, length - 3);
      length += count;
      const end = decoder.decode(bytes.subarray(from, length))
        .indexOf("\r\n\r\n");
      if (end >= 0) return decoder.decode(bytes.subarray(0, from + end));
      if (length === bytes.length) {
        throw new BadRequest(431, "The head of the request is too long.");
      }
    }
  }

  async #write(
    { status, headers, body }: Response,
    { isOld, withBody }: { isOld: boolean; withBody: boolean },
  ): Promise<void> {
    // Without a length, since some answers have no end; a client of HTTP/1.0 reads up to the end.
    const lines = [...headers].map(([name, value]) => `${name}: ${value}\r\n`);
    const head = `HTTP/1.1 ${status} \r\n${
      lines.join("")
    }connection: close\r\n${isOld ? "" : "transfer-encoding: chunked\r\n"}\r\n`;
    this.#body = body?.getReader();
    try {
      await this.#send(encode(head));
      while (this.#body && withBody) {
        const { done, value } = await this.#body.read();
        if (done) break;
        if (value.length === 0) continue;
        await this.#send(isOld ? value : chunk(value));
      }
      if (!isOld && withBody) await this.#send(encode("0\r\n\r\n"));
    } finally {
      this.#cancelBody();
    }
  }

  // Whoever gives it may still have something to give.
  #cancelBody(): void {
    this.#body?.cancel().catch(() => {});
  }

  async #send(bytes: Uint8Array): Promise<void> {
    this.#within(WRITE_MS);
    for (let sent = 0; sent < bytes.length;) {
      sent += await this.#conn.write(bytes.subarray(sent));
    }
    clearTimeout(this.#timer);
  }
}

function noRequest(): BadRequest {
  return new BadRequest(400, "This is no request of HTTP/1.1.");
}

// Whether it is of A to Z, as which each method begins.
function isCapital(byte: number): boolean {
  return byte >= 0x41 && byte <= 0x5a;
}

function encode(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function chunk(bytes: Uint8Array): Uint8Array {
  const size = encode(`${bytes.length.toString(16)}\r\n`);
  const whole = new Uint8Array(size.length + bytes.length + CRLF.length);
  whole.set(size);
  whole.set(bytes, size.length);
  whole.set(CRLF, size.length + bytes.length);
  return whole;
}

function parseHead(head: string): HttpRequest & { isOld: boolean } {
  const [first, ...lines] = head.split("\r\n");
  const [, method, target, minor] = REQUEST_LINE.exec(first!) ?? [];
  if (method === undefined || target === undefined) {
    throw noRequest();
  }
  let host: string | undefined;
  let authorization: string | undefined;
  for (const line of lines) {
    const [, name, value] = HEADER_LINE.exec(line) ?? [];
    if (name === undefined || value === undefined) {
      throw new BadRequest(400, "A header of the request is none.");
    }
    if (name.toLowerCase() === "authorization") authorization ??= value;
    if (name.toLowerCase() !== "host") continue;
    if (host !== undefined || !HOST.test(value)) {
      throw new BadRequest(400, "The header Host of the request is none.");
    }
    host = value;
  }
  if (host === undefined && minor === "1") {
    throw new BadRequest(400, "The request has no header Host.");
  }
  return { method, target, host, authorization, isOld: minor === "0" };
}

/** An answer of one line. */
export function textResponse(
  body: string,
  status: number,
  headers: Record<string, string> = {},
): Response {
  return new Response(body, {
    status,
    headers: {
      "content-type": "text/plain; charset=utf-8",
      "cache-control": "no-store",
      ...headers,
    },
  });
}
