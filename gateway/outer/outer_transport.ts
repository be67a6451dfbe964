// OuterTransport: the names of what carries the frames of clients.

/**
 * What carries the frames of clients: `tcp`, `ws` for WebSockets, and `tls` and `wss` for the same
 * over TLS.
 */
export type OuterTransport = "tcp" | "ws" | "tls" | "wss";
