// describeError(): an error for a log: all that helps to find the fault, and nothing of what a
// client sent.

// JSON.parse() quotes what it was given, which in a handler is a body.
const QUOTED_JSON =
  /(?:Unexpected token '.{1,2}', )?(?:\.\.\.)?"[^]{0,60}?"(?:\.\.\.)? (?=is not valid JSON)/gsu;

const MAX_CAUSES = 8;

/**
 * An error for a log: its stack and those of its causes. Values that hang on it are left out, since
 * they may hold a body; a thrown value that is no error is told by its kind, a string as it is.
 */
export function describeError(error: unknown): string {
  return describe(error, MAX_CAUSES).replace(QUOTED_JSON, "the text ");
}

/** The message of an error, or what was thrown in place of one. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function describe(error: unknown, depth: number): string {
  if (!(error instanceof Error)) {
    return typeof error === "object" && error !== null
      ? `a thrown ${error.constructor?.name ?? "object"}`
      : String(error);
  }
  let text = error.stack ?? `${error}`;
  if (depth === 0) return text;
  const parts: unknown[] = error instanceof AggregateError ? error.errors : [];
  for (const part of parts.slice(0, MAX_CAUSES)) {
    text += `\nOne of: ${describe(part, depth - 1)}`;
  }
  if (error.cause instanceof Error) {
    text += `\nCaused by: ${describe(error.cause, depth - 1)}`;
  }
  return text;
}
