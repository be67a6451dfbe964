// Renewal: where the parent of several processes is asked to have each of them replaced, one after
// the other, by what another command line starts.

import {
  type FlagValue,
  HandoverDoor,
  type Logger,
  openIo,
  Passing,
  type SelfCommand,
} from "@maple/box/internal";
import config from "../deno.json" with { type: "json" };
import { PARENT_FORMAT } from "../handover/format.ts";
import { isLeft, listenAt } from "../handover/listen_at.ts";
import type { Settings } from "../settings.ts";
import type { ParentSettings } from "./parent_settings.ts";
import type { ChildTask } from "./told.ts";

/** What a parent tells of itself. */
export interface ParentOffer extends Omit<ChildTask, "settings"> {
  /** {@linkcode PARENT_FORMAT}. */
  readonly format: string;
  /** The version of its program. */
  readonly version: string;
  /** Its process. */
  readonly pid: number;
  /** Its own settings; one of an older version does not tell them. */
  readonly own?: ParentSettings;
}

/** What starts the new processes, and what they go by. */
export interface Renewed {
  /** The command. */
  readonly command: SelfCommand;
  /** The settings, of the whole gateway. */
  readonly settings: Settings;
  /** What is read again at HUP; an older version does not tell it. */
  readonly commandLine?: FlagsInJson;
}

/** The flags of a command line in JSON. */
export interface FlagsInJson {
  /** Their values, by name. */
  readonly flags: readonly (readonly [string, FlagValue])[];
  /** Those of them that the environment has given, and the variable of each. */
  readonly variables: readonly (readonly [string, string])[];
}

/** What is asked: a piece of a {@linkcode Renewed} in JSON, that it begins, or how far it is. */
export interface RenewalQuestion {
  /** The process that asks. */
  readonly pid: number;
  /** A piece of it. */
  readonly piece?: string;
  /** Where in all of it the piece stands. */
  readonly at?: number;
  /** That was the last piece. */
  readonly begin?: true;
}

/** How far a renewal is. */
export interface RenewalState {
  /** Whether it is under way. */
  readonly runs: boolean;
  /** How many processes were replaced. */
  readonly replaced: number;
  /** Why no more were; undefined where all is well. */
  readonly why?: string | undefined;
}

/** What a {@linkcode Renewal} works with. */
export interface RenewalOptions {
  /** Where it is asked. */
  readonly path: string;
  /** What is told. */
  readonly offer: Omit<ParentOffer, "format" | "version" | "pid">;
  /** Replaces all; `onReplaced` is called with each. Resolves to why it could not go on. */
  readonly renew: (
    renewed: Renewed,
    onReplaced: () => void,
  ) => Promise<string | undefined>;
  /** Where it logs. */
  readonly logger: Logger;
}

const PATIENCE_MS = 5000;

/** Where a parent is asked to have its processes replaced. */
export class Renewal implements AsyncDisposable {
  readonly #options: RenewalOptions;
  readonly #passing = Passing.open();
  readonly #io = openIo("epoll");
  readonly #door: HandoverDoor;
  // Who has sent pieces, and what of it has come.
  #asked = { pid: 0, json: "" };
  #state: RenewalState = { runs: false, replaced: 0 };

  /**
   * Begins to listen.
   *
   * @throws {GatewayError} with one line, when that cannot be.
   */
  constructor(options: RenewalOptions) {
    const { path, offer, logger } = this.#options = options;
    const passing = this.#passing;
    const descriptor = listenAt(passing, path);
    this.#door = new HandoverDoor(this.#io.descriptors!.loop, descriptor, {
      ...{ role: "gateway", passing, logger, timeoutMs: PATIENCE_MS },
      giver: {
        offer: (): ParentOffer => ({
          ...offer,
          ...{ format: PARENT_FORMAT, version: config.version, pid: Deno.pid },
        }),
        answer: (question) => this.#answer(question as RenewalQuestion),
        write: () => {
          throw new Error("it is the parent of several processes");
        },
        onGiven: () => {},
      },
    });
  }

  /** Nobody can ask any more. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#door.close();
    const { path } = this.#options;
    if (isLeft(this.#passing, path)) this.#passing.remove(path);
    await this.#io.close();
    this.#passing[Symbol.dispose]();
  }

  #answer({ pid, piece, at, begin }: RenewalQuestion): RenewalState {
    if (piece !== undefined) {
      // One that was there before may have died half-way.
      if (at === 0) this.#asked = { pid, json: "" };
      if (this.#asked.pid === pid) this.#asked.json += piece;
    }
    if (!begin) return this.#state;
    if (this.#state.runs || this.#asked.pid !== pid) {
      return { runs: false, replaced: 0, why: "they are just being replaced" };
    }
    const renewed: Renewed = JSON.parse(this.#asked.json);
    this.#asked = { pid: 0, json: "" };
    this.#state = { runs: true, replaced: 0 };
    void this.#renew(renewed);
    return this.#state;
  }

  async #renew(renewed: Renewed): Promise<void> {
    let why: string | undefined;
    try {
      why = await this.#options.renew(renewed, () => {
        const { replaced } = this.#state;
        this.#state = { runs: true, replaced: replaced + 1 };
      });
    } catch (error) {
      // Settings of another version may not fit together here.
      why = (error as Error).message;
    }
    this.#state = { ...this.#state, runs: false, why };
  }
}
