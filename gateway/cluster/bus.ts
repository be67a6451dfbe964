// Bus: what carries messages between gateways, whatever it is.

/** Messages that a bus has not carried, by cause. */
export interface NotCarried {
  /** It is not connected. */
  away: number;
  /** So many bytes are on their way that no more may be. */
  full: number;
  /** It is connected and has given no sign of life for too long. */
  late: number;
  /** It was given them, and the connection ended before it said that it has got them. */
  cut: number;
}

/** What a bus tells its gateway. */
export interface BusReceiver {
  /** A message has come; its bytes are the receiver's own. */
  onMessage(message: Uint8Array): void;
  /**
   * Messages are carried from now on, or no more.
   *
   * @param why In a few words, for logs.
   */
  onState(isUp: boolean, why: string): void;
  /** The one that had this node is gone; told by a bus that knows it at once. */
  onGone?(node: number): void;
}

/**
 * What carries messages between gateways. Nobody ever waits for it: what it cannot carry now is not
 * carried. What one gateway sends comes to another in the order in which it was sent.
 */
export interface Bus {
  /** What it is, for logs. */
  readonly name: string;
  /** Bytes of the longest message that it carries; known when it is open. */
  readonly maxBytes: number;
  /** Whether it carries messages at present. */
  readonly isUp: boolean;
  /** The node of this gateway, which nobody else can have, where the bus itself gives it. */
  readonly node?: number;
  /** What it has not carried. */
  readonly notCarried: Readonly<NotCarried>;
  /**
   * Connects. It resolves also when the bus is away, and connects when that is there.
   *
   * @param receiver What is told from then on.
   * @throws {Error} with one line, when what it was told cannot be right: an address, a password.
   */
  open(receiver: BusReceiver): Promise<void>;
  /** Takes messages to this node from now on, besides those to all. */
  listenAs(node: number): void;
  /**
   * Sends a message to all other gateways; its bytes are the bus's from then on.
   *
   * @returns Whether it is carried.
   */
  publish(message: Uint8Array): boolean;
  /** The same, to one node. */
  send(node: number, message: Uint8Array): boolean;
  /** Lets what was sent leave, in bounded time, and disconnects. */
  close(): Promise<void>;
}
