// Which web pages may open a WebSocket, and at which path.

/** What stands for any origin and for any path. */
export const ANY = "*";

// As browsers write it: a scheme, a host in lower case and a port that is not the usual one.
const ORIGIN = /^[a-z][a-z0-9+.-]*:\/\/[^\s/?#@,]+$/;

/**
 * The origins of a list, a text with commas between them or an array; undefined where any may come.
 *
 * @param name The option, for the error.
 * @throws What `fail` makes of a line that says what was expected.
 */
export function parseOrigins(
  name: string,
  origins: string | readonly string[],
  fail: (message: string) => Error,
): readonly string[] | undefined {
  const list = typeof origins === "string" ? origins.split(",") : origins;
  const trimmed = list.map((origin) => origin.trim());
  if (trimmed.includes(ANY)) return undefined;
  return trimmed.map((origin) => {
    // What a page in a sandbox or from a file has.
    if (origin === "null") return origin;
    const parsed = URL.parse(origin);
    if (!parsed || !ORIGIN.test(origin.toLowerCase())) {
      throw fail(
        `${name} takes origins such as https://example.org, or ${ANY} for any, got "${origin}"`,
      );
    }
    return parsed.origin === "null" ? origin.toLowerCase() : parsed.origin;
  });
}

/**
 * The only path; undefined where it is any.
 *
 * @param name The option, for the error.
 * @throws What `fail` makes of a line that says what was expected.
 */
export function parsePath(
  name: string,
  path: string,
  fail: (message: string) => Error,
): string | undefined {
  if (path === ANY) return undefined;
  if (/^\/[^\s?#]*$/.test(path)) return path;
  throw fail(
    `${name} takes a path such as /play, or ${ANY} for any, got "${path}"`,
  );
}
