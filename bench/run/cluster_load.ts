// Cluster load: what gateways that are one put on the bus between them, on paper.

/** A cluster and what happens in it in a second. */
export interface ClusterSituation {
  /** How many gateways it has. */
  readonly gateways: number;
  /** Logins a second, of all gateways together. */
  readonly logins: number;
  /** Messages to users, likewise, that one gateway gets and the others are told. */
  readonly messages: number;
  /** Milliseconds over which a gateway gathers logins before it tells them. */
  readonly gatherMs: number;
}

/** What that is on the bus. */
export interface BusLoad {
  /** Messages that the bus gets a second. */
  readonly published: number;
  /** Messages that it gives a second: each goes to all gateways but one. */
  readonly delivered: number;
  /** Bytes that these have. */
  readonly bytes: number;
}

/** Bytes of the messages between gateways, with what NATS puts around them. */
export interface MessageBytes {
  /** What a gateway tells of itself each second. */
  readonly hello: number;
  /** A message about logins without any. */
  readonly logins: number;
  /** What each login adds. */
  readonly login: number;
  /** A message to a user. */
  readonly message: number;
}

/** The load of a situation on the bus. */
export function busLoad(
  { gateways, logins, messages, gatherMs }: ClusterSituation,
  bytes: MessageBytes,
): BusLoad {
  const others = gateways - 1;
  const each = logins / gateways;
  // Those that come within the time that the first one waits are told with it.
  const told = gateways * each / (1 + each * gatherMs / 1000);
  const published = gateways + told + messages;
  const publishedBytes = gateways * bytes.hello + told * bytes.logins +
    logins * bytes.login + messages * bytes.message;
  return {
    published,
    delivered: published * others,
    bytes: publishedBytes * others,
  };
}
