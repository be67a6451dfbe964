// IN_MEMORY: how a client without a socket connects to an app, for tests.

/** The name of the method by which an app takes a client without a socket. */
export const IN_MEMORY: unique symbol = Symbol("maple.inMemory");

/** The client's end of a connection without a socket. */
export interface MemoryEnd {
  /** The client's IP address. */
  readonly address: string;
  /** A packed box came, in bytes of its own. */
  onFrame(frame: Uint8Array): void;
  /** The app has closed the connection. */
  onClose(): void;
}

/** The app's end of a connection without a socket. */
export interface MemoryConnection {
  /** Resolves when nothing is being handled. */
  idle(): Promise<void>;
  /** Sends a packed box; resolves when all that was sent is handled. */
  send(frame: Uint8Array): Promise<void>;
  /** Closes the connection as a client does; resolves when the hooks for that were called. */
  close(): Promise<void>;
}

/** What is called with the client's end, and answers the app's. */
export type ConnectInMemory = (end: MemoryEnd) => Promise<MemoryConnection>;
