// Attack: one way to harm a gateway.

/** Where the gateway listens. */
export interface Target {
  /** For clients. */
  readonly outer: number;
  /** For those by WebSocket. */
  readonly ws: number;
  /** For those over TLS; NaN where there is no certificate. */
  readonly tls: number;
  /** For workers and triggers. */
  readonly inner: number;
  /** For whoever looks at its figures. */
  readonly metrics: number;
}

/** One way to harm a gateway. */
export interface Attack {
  /** What it is called on the command line. */
  readonly name: string;
  /** What it does, for the table. */
  readonly what: string;
  /** Flags that the gateway is started with, beside the usual ones. */
  readonly flags?: readonly string[];
  /** Attacks until the process is ended. */
  run(target: Target): Promise<void>;
}
