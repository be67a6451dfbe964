// Balancer: stands for HAProxy and the like.

/** Gives each connection to the next gateway that takes it. */
export class Balancer implements AsyncDisposable {
  readonly #ports: readonly number[];
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  #next = 0;

  /** Listens, in front of gateways at these ports. */
  constructor(ports: readonly number[]) {
    this.#ports = ports;
    this.#accept();
  }

  /** Where it listens. */
  get port(): number {
    return this.#listener.addr.port;
  }

  async #accept(): Promise<void> {
    for await (const client of this.#listener) this.#serve(client);
  }

  async #serve(client: Deno.TcpConn): Promise<void> {
    for (let i = 0; i < this.#ports.length; i++) {
      const port = this.#ports[this.#next++ % this.#ports.length]!;
      try {
        const gateway = await Deno.connect({ hostname: "127.0.0.1", port });
        for (const conn of [client, gateway]) conn.setNoDelay(true);
        const ways = [
          client.readable.pipeTo(gateway.writable),
          gateway.readable.pipeTo(client.writable),
        ];
        await Promise.allSettled(ways);
        return;
      } catch {
        // This one does not serve: the next may.
      }
    }
    client.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    await Promise.resolve();
  }
}
