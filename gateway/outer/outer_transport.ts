// OuterTransport: the names of what carries the frames of clients.

/** What carries the frames of clients: `tcp`, or `ws` for WebSockets. */
export type OuterTransport = "tcp" | "ws";
