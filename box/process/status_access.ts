// StatusAccess: who may ask a status server, read anew when its owner says so.

import { StatusTokens } from "../metrics/status_tokens.ts";
import { readSecretFile, secretEnv } from "./secret_file.ts";

/** The variable that holds tokens. */
export const STATUS_TOKEN_ENV = "MAPLE_METRICS_TOKEN";

// Shorter ones could be guessed.
const LEAST_CHARACTERS = 16;
const MOST_CHARACTERS = 256;
const TOKENS_MAX = 4;

/** Settings of {@linkcode StatusAccess}. */
export interface StatusAccessOptions {
  /** A file with a token a line; without one, what the variable holds. */
  readonly file?: string | undefined;
  /** Makes an error of a line. */
  readonly fail: (message: string) => Error;
}

/** Who may ask a status server: whoever brings a token; anybody, where there is none. */
export class StatusAccess {
  readonly #options: StatusAccessOptions;
  #tokens: StatusTokens | undefined;

  /**
   * Reads the tokens.
   *
   * @throws What `fail` makes of a line that tells what is wrong, and never what a token is.
   */
  constructor(options: StatusAccessOptions) {
    this.#options = options;
    this.renew();
  }

  /** Whether anybody may ask, as there is no token. */
  get isOpen(): boolean {
    return this.#tokens === undefined;
  }

  /** Whether a request with this header `Authorization` is answered. */
  allows(authorization: string | undefined): boolean {
    return this.#tokens?.allows(authorization) ?? true;
  }

  /**
   * Reads the tokens anew: who has one that is gone is answered no more.
   *
   * @param file Another file, where it has changed.
   * @throws As the constructor: then those before stay.
   */
  renew(file: string = this.#options.file ?? ""): void {
    this.#tokens = readTokens(file, this.#options.fail);
  }
}

function readTokens(
  file: string,
  fail: (message: string) => Error,
): StatusTokens | undefined {
  const source = file === "" ? STATUS_TOKEN_ENV : `the token file "${file}"`;
  const text = file === ""
    ? secretEnv(STATUS_TOKEN_ENV)
    : readSecretFile(file, source, fail);
  if (file === "" && text === "") return undefined;
  const tokens = text.replace(/^\uFEFF/, "").split(/[\s,]*[\r\n,][\s,]*/)
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"));
  if (tokens.length === 0) throw fail(`There is no token in ${source}`);
  if (tokens.length > TOKENS_MAX) {
    throw fail(
      `There are ${tokens.length} tokens in ${source}, expected up to ${TOKENS_MAX}`,
    );
  }
  for (const { length } of tokens.filter((token) => !isToken(token))) {
    throw fail(
      `A token in ${source} does not fit: expected ${LEAST_CHARACTERS} to ${MOST_CHARACTERS} letters, digits and signs, got ${length} characters; make one with: openssl rand -hex 32`,
    );
  }
  return new StatusTokens(tokens);
}

function isToken(text: string): boolean {
  return text.length >= LEAST_CHARACTERS && text.length <= MOST_CHARACTERS &&
    /^[!-~]+$/.test(text);
}
