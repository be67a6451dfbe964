// SecretRotation: changes the secrets of a gateway and of its workers and triggers while all runs,
// as an operator does: first the gateway takes both, then its peers have the new one, then the old
// one is gone.

import { SecretFile } from "../../helpers/secret_file.ts";
import type { ChaosHost } from "./chaos_host.ts";

/** The secrets of a gateway and its peers, and how they are changed. */
export class SecretRotation implements AsyncDisposable {
  /** The gateway's file. */
  readonly gateway: SecretFile;
  /** The file of workers and triggers. */
  readonly peers: SecretFile;
  /** How often an old secret was taken out. */
  rounds = 0;
  #number = 0;
  #steps = 0;

  /** Makes both files. */
  constructor() {
    this.gateway = new SecretFile(...secrets(0));
    this.peers = new SecretFile(...secrets(0));
  }

  /** Does one step more; resolves when the gateway has seen it. */
  async step(host: ChaosHost): Promise<string> {
    switch (this.#steps++ % 3) {
      case 0:
        this.#number++;
        this.gateway.write(
          ...secrets(this.#number),
          ...secrets(this.#number - 1),
        );
        await host.renewSecrets();
        return "the gateway takes both";
      case 1:
        this.peers.write(...secrets(this.#number));
        return "workers and triggers have the new one";
      default:
        this.gateway.write(...secrets(this.#number));
        await host.renewSecrets();
        this.rounds++;
        return "the old one is gone";
    }
  }

  /** Removes the files. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.gateway[Symbol.asyncDispose]();
    await this.peers[Symbol.asyncDispose]();
  }
}

function secrets(number: number): string[] {
  return ["worker", "trigger"].map((role) =>
    `${role}:secret-${number}-of-the-${role}s`
  );
}
