// Where secrets come from: an option, a file, the environment. What is wrong with one is told
// without the secret.

import { INNER_ROLES, type InnerRole } from "../roles.ts";
import { Secret } from "../net/secret.ts";
import { readSecretFile, secretEnv } from "./secret_file.ts";

/** The variable that holds secrets. */
export const SECRET_ENV = "MAPLE_INNER_SECRET";

// Shorter ones could be guessed.
const LEAST_CHARACTERS = 16;
const MOST_CHARACTERS = 256;
// What a proof has to be held against is bounded: one that fits none costs little.
const SECRETS_PER_ROLE = 4;
const FORM =
  `${LEAST_CHARACTERS} to ${MOST_CHARACTERS} letters, digits and signs, without space, comma and colon`;

/** Where secrets are given; the first of these that is there counts. */
export interface SecretOptions {
  /** The secrets themselves. */
  readonly secret?: string | readonly string[] | undefined;
  /** A file that holds them. */
  readonly secretFile?: string | undefined;
  /** What the variable holds. @default what it does */
  readonly env?: string | undefined;
}

/** How they are read. */
export interface ReadSecretsOptions extends SecretOptions {
  /** What the options are called, for errors. */
  readonly names: { readonly secret: string; readonly secretFile: string };
  /** The role of one that tells none; without this each has to tell its role. */
  readonly role?: InnerRole | undefined;
  /** Makes an error of a line. */
  readonly fail: (message: string) => Error;
}

/**
 * Reads secrets anew.
 *
 * @returns None when none are given anywhere.
 * @throws What `fail` makes of a line that says what was wrong, and never what the secret is.
 */
export function readSecrets(options: ReadSecretsOptions): Secret[] {
  const { secret, secretFile, names, role, fail } = options;
  const given = typeof secret === "string" ? [secret] : secret ?? [];
  const hasSecret = given.some((text) => text !== "");
  const hasFile = secretFile !== undefined && secretFile !== "";
  if (hasSecret && hasFile) {
    throw fail(
      `Options ${names.secret} and ${names.secretFile} exclude each other`,
    );
  }
  if (hasSecret) {
    return parseSecrets(given.join("\n"), {
      source: `option ${names.secret}`,
      role,
      fail,
    });
  }
  if (hasFile) {
    if (roleOf(secretFile)) {
      throw fail(
        `Option ${names.secretFile} takes the path of a file, and was given what looks like a secret`,
      );
    }
    const source = `the secret file "${secretFile}"`;
    const text = readSecretFile(secretFile, source, fail);
    return parseSecrets(text, { source, role, fail });
  }
  const told = options.env ?? secretEnv(SECRET_ENV);
  return told === ""
    ? []
    : parseSecrets(told, { source: SECRET_ENV, role, fail });
}

/**
 * Understands secrets: `role:secret`, one a line or with commas between them; a line that begins
 * with `#` is a comment.
 *
 * @throws What `fail` makes of a line, where there is none, or something else.
 */
export function parseSecrets(
  text: string,
  { source, role, fail }: Pick<ReadSecretsOptions, "role" | "fail"> & {
    source: string;
  },
): Secret[] {
  const secrets: Secret[] = [];
  for (
    const [i, line] of text.replace(/^\uFEFF/, "").split(/\r?\n/).entries()
  ) {
    if (line.trimStart().startsWith("#")) continue;
    for (const entry of line.split(",")) {
      if (entry.trim() === "") continue;
      const where = `line ${i + 1} of ${source}`;
      add(secrets, parseSecret(entry.trim(), where, role, fail), where, fail);
    }
  }
  if (secrets.length > 0) return secrets;
  throw fail(
    `There is no secret in ${source}; expected role:secret, one a line`,
  );
}

function parseSecret(
  entry: string,
  where: string,
  otherwise: InnerRole | undefined,
  fail: (message: string) => Error,
): Secret {
  const colon = entry.indexOf(":");
  const role = colon < 0 ? otherwise : roleOf(entry);
  if (!role) {
    throw fail(
      `The secret in ${where} has no role: expected ${
        INNER_ROLES.map((role) => `${role}:`).join(", ")
      } and then the secret`,
    );
  }
  const secret = entry.slice(colon + 1).trim();
  if (
    secret.length < LEAST_CHARACTERS || secret.length > MOST_CHARACTERS ||
    !/^[!-~]+$/.test(secret) || secret.includes(":")
  ) {
    throw fail(
      `The secret in ${where} does not fit: expected ${FORM}, got ${secret.length} characters; make one with: openssl rand -hex 32`,
    );
  }
  return new Secret(role, secret);
}

// That of `role:secret`.
function roleOf(entry: string): InnerRole | undefined {
  const told = /^\s*(\w+)\s*:/.exec(entry)?.[1];
  return INNER_ROLES.find((role) => role === told);
}

// Who knows the secret of two roles could choose which to be.
function add(
  secrets: Secret[],
  secret: Secret,
  where: string,
  fail: (message: string) => Error,
): void {
  const same = secrets.find((other) => other.hasTextOf(secret));
  if (same?.role === secret.role) return;
  if (same) {
    throw fail(
      `The secret in ${where} is that of role ${same.role} as well: each role needs its own`,
    );
  }
  const { length } = secrets.filter(({ role }) => role === secret.role);
  if (length === SECRETS_PER_ROLE) {
    throw fail(
      `The secret in ${where} is one too many: a role has up to ${SECRETS_PER_ROLE}`,
    );
  }
  secrets.push(secret);
}
