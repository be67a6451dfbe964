// GatewayLinks: all gateways of a trigger: what is for users goes to each, a task for a worker to
// one.

import { type Task, TaskCmd } from "@maple/box";
import {
  type Query,
  queryTask,
  type Receipt,
  sumReceipts,
} from "@maple/box/internal";
import { TriggerError } from "./errors.ts";
import { GatewayLink } from "./gateway_link.ts";
import type { Message } from "./message.ts";
import type { ResolvedOptions, TriggerGateway } from "./options.ts";

/** All gateways of a trigger. */
export class GatewayLinks {
  readonly #options: ResolvedOptions;
  readonly #links: readonly GatewayLink[];
  #turn = 0;

  /** @param options Complete and checked. */
  constructor(gateways: readonly TriggerGateway[], options: ResolvedOptions) {
    this.#options = options;
    this.#links = gateways.map((at) => new GatewayLink(at, options));
  }

  /** How many there are. */
  get size(): number {
    return this.#links.length;
  }

  /** Connects to all; throws when one cannot be reached. */
  async connect(): Promise<void> {
    const { ensure } = this.#options;
    throwAny(await this.#all((link) => link.connect(ensure)));
  }

  /** Sends a task to those it is for; throws when one of them has not got it. */
  async send(task: Task, signal: AbortSignal | undefined): Promise<void> {
    const { ensure } = this.#options;
    if (this.#isForOneOf(task)) {
      const wants = ensure ? "where given" : "none";
      await this.#toOne(task.pack(), wants, signal);
      return;
    }
    throwAny(
      await this.#all((link) => link.send(task.pack(), { ensure, signal })),
    );
  }

  /** The same; gives the receipts that came, and throws when none did, or one is a refusal. */
  async receiptsOf(
    task: Task,
    signal: AbortSignal | undefined,
  ): Promise<Receipt[]> {
    const { ensure } = this.#options;
    const wants = "receipt";
    const receipts = this.#isForOneOf(task)
      ? [await this.#toOne(task.pack(), wants, signal)]
      : cameOf(
        await this.#all((link) =>
          link.send(task.pack(), { ensure, wants, signal })
        ),
      );
    for (const receipt of receipts) checkDone(receipt!);
    return receipts as Receipt[];
  }

  /** Puts a question to all; throws when one does not answer. */
  async ask(
    query: Partial<Query>,
    signal: AbortSignal | undefined,
  ): Promise<Receipt> {
    const { ensure } = this.#options;
    const task = queryTask(query);
    const wants = "answer";
    const results = await this.#all((link) =>
      link.send(task.pack(), { ensure, wants, signal })
    );
    throwAny(results);
    return sumReceipts(cameOf(results) as Receipt[]);
  }

  /** Closes all; true when all that was sent was taken. */
  async close(): Promise<boolean> {
    const taken = await Promise.all(this.#links.map((link) => link.close()));
    return taken.every(Boolean);
  }

  #isForOneOf(task: Task): boolean {
    return isForOne(task) && this.#links.length > 1;
  }

  #all<T>(work: (link: GatewayLink) => Promise<T>): Promise<Result<T>[]> {
    return Promise.allSettled(this.#links.map(work));
  }

  // To one that is connected, in turn; where it has not taken it, to the next one.
  async #toOne(
    frame: Uint8Array,
    wants: Message["wants"],
    signal: AbortSignal | undefined,
  ): Promise<Receipt | undefined> {
    const { ensure, timeoutMs, retryDelayMs } = this.#options;
    const forever = ensure === "forever";
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      try {
        const link = this.#nextConnected() ?? await this.#firstConnected();
        return await link.send(frame, { ensure: false, wants, signal });
      } catch (error) {
        const { code } = error as TriggerError;
        const passes = code === "timeout" || code === "secret";
        const again = code === "connection" || forever && passes;
        const inTime = forever || performance.now() < deadline;
        if (!ensure || !again || !inTime) throw error;
      }
      await new Promise((resolve) => setTimeout(resolve, retryDelayMs));
    }
  }

  #nextConnected(): GatewayLink | undefined {
    for (let i = 0; i < this.#links.length; i++) {
      const link = this.#links[this.#turn++ % this.#links.length]!;
      if (link.connected) return link;
    }
    return undefined;
  }

  async #firstConnected(): Promise<GatewayLink> {
    // One that is away for ever must not be waited for when another is there.
    const ensure = this.#options.ensure !== false;
    try {
      return await Promise.any(
        this.#links.map((link) => link.connect(ensure).then(() => link)),
      );
    } catch (error) {
      return throwFirst((error as AggregateError).errors);
    }
  }
}

type Result<T> = PromiseSettledResult<T>;

function errorsOf(results: readonly Result<unknown>[]): TriggerError[] {
  return results.flatMap((r) => r.status === "rejected" ? [r.reason] : []);
}

function throwAny(results: readonly Result<unknown>[]): void {
  const errors = errorsOf(results);
  if (errors.length > 0) throwFirst(errors);
}

// What came of it where it was done; where it was nowhere, why not.
function cameOf<T>(results: readonly Result<T>[]): T[] {
  const done = results.flatMap((r) =>
    r.status === "fulfilled" ? [r.value] : []
  );
  if (done.length === 0) throwFirst(errorsOf(results));
  return done;
}

function throwFirst(errors: readonly TriggerError[]): never {
  const first = errors[0]!;
  // Where a signal was aborted it is the reason for that.
  if (errors.length === 1 || !(first instanceof TriggerError)) throw first;
  const why = errors.map((error) => error.message).join("; ");
  throw new TriggerError(first.code, why, { cause: first });
}

/** Whether a task goes to one of the gateways, rather than to all. */
export function isForOne({ cmd }: Task): boolean {
  return cmd === TaskCmd.WRITE_TO_WORKER;
}

// There may be room for a task later, which is no error.
function checkDone({ error }: Receipt): void {
  if (error === "" || error.startsWith("busy")) return;
  throw new TriggerError("refused", `The gateway has not done it: ${error}`);
}
