// CountedWrites: how often this process writes to sockets, how many bytes, how many bytes it copies
// from one array to another, and how often it takes memory for an array.

/** What one port's connections have written. */
export interface Written {
  /** Calls of write. */
  writes: number;
  /** Bytes written. */
  bytes: number;
}

/**
 * Counts from when it is made until it is disposed of: writes by the local port of the connection,
 * copies of the whole process.
 */
export class CountedWrites implements Disposable {
  /** Bytes that were copied between byte arrays, by `set`, `slice` and `copyWithin`. */
  copied = 0;
  /** Byte arrays that got memory of their own, by `new Uint8Array(length)` and `slice`. */
  allocated = 0;
  readonly #byPort = new Map<number, Written>();
  readonly #restore: () => void;

  private constructor(prototype: Deno.TcpConn) {
    const { write } = prototype;
    const { set, slice, copyWithin } = Uint8Array.prototype;
    const countWrite = (conn: Deno.TcpConn, count: number) => {
      const written = this.of(conn.localAddr.port);
      written.writes++;
      written.bytes += count;
    };
    const countCopy = (count: number) => this.copied += count;
    const countAllocation = () => this.allocated++;
    const Original = Uint8Array;
    globalThis.Uint8Array = new Proxy(Original, {
      construct(target, args, newTarget) {
        if (typeof args[0] === "number") countAllocation();
        return Reflect.construct(target, args, newTarget);
      },
    });
    prototype.write = function (this: Deno.TcpConn, bytes) {
      countWrite(this, bytes.length);
      return write.call(this, bytes);
    };
    Uint8Array.prototype.set = function (source, offset) {
      countCopy(source.length);
      set.call(this, source, offset);
    };
    Uint8Array.prototype.slice = function (start, end) {
      const copy = slice.call(this, start, end);
      countCopy(copy.length);
      countAllocation();
      return copy;
    };
    Uint8Array.prototype.copyWithin = function (target, start, end) {
      countCopy((end ?? this.length) - start);
      return copyWithin.call(this, target, start, end);
    };
    this.#restore = () => {
      prototype.write = write;
      globalThis.Uint8Array = Original;
      // They are inherited from what all typed arrays share.
      for (const name of ["set", "slice", "copyWithin"]) {
        Reflect.deleteProperty(Uint8Array.prototype, name);
      }
    };
  }

  /** Begins to count. Connections of Deno have one class, which only a connection can tell. */
  static async start(): Promise<CountedWrites> {
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    using near = await Deno.connect({
      hostname: "127.0.0.1",
      port: listener.addr.port,
    });
    using _far = await listener.accept();
    let prototype: Deno.TcpConn = near;
    while (!Object.hasOwn(prototype, "write")) {
      prototype = Object.getPrototypeOf(prototype);
    }
    return new CountedWrites(prototype);
  }

  /** What the connections of a local port have written. */
  of(port: number): Written {
    let written = this.#byPort.get(port);
    if (!written) this.#byPort.set(port, written = { writes: 0, bytes: 0 });
    return written;
  }

  /** Begins at zero. */
  reset(): void {
    this.copied = 0;
    this.allocated = 0;
    this.#byPort.clear();
  }

  /** Ends it. */
  [Symbol.dispose](): void {
    this.#restore();
  }
}
