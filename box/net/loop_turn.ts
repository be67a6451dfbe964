// LoopTurn: one turn of Deno's event loop, for a loop of ours that runs in it.

import { setImmediate } from "node:timers";

/** Whoever runs a loop lets all others have their turn by it. */
export interface LoopTurn {
  /** Resolves when timers, signals and all else that is ready have had their turn. */
  pass(): Promise<void>;
  /** To be called when it is needed no more. */
  close(): void;
}

// Before it, setImmediate waited for a millisecond.
const SINCE = [2, 7] as const;

/** What this version of Deno has that is fastest. */
export function loopTurn(version: string = Deno.version.deno): LoopTurn {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  return major > SINCE[0] || major === SINCE[0] && minor >= SINCE[1]
    ? new ImmediateTurn()
    : new MessageTurn();
}

class ImmediateTurn implements LoopTurn {
  pass(): Promise<void> {
    return new Promise((resolve) => setImmediate(resolve));
  }

  close(): void {}
}

/** By a message to itself. */
class MessageTurn implements LoopTurn {
  readonly #channel = new MessageChannel();
  #passed: (() => void) | undefined;

  constructor() {
    this.#channel.port1.onmessage = () => this.#passed?.();
  }

  pass(): Promise<void> {
    return new Promise((resolve) => {
      this.#passed = resolve;
      this.#channel.port2.postMessage(0);
    });
  }

  close(): void {
    this.#channel.port1.close();
    this.#channel.port2.close();
  }
}
