// httpGet(): asks a status port on a connection of its own, which is over afterwards.

import { within } from "../../helpers/within.ts";

const DECODER = new TextDecoder();

/**
 * The body of what is answered.
 *
 * @throws {Error} when it is not answered with 200 in time.
 */
export function httpGet(
  port: number,
  path: string,
  ms: number,
): Promise<string> {
  return within(ask(port, path), `GET ${path}`, ms);
}

async function ask(port: number, path: string): Promise<string> {
  using conn = await Deno.connect({ hostname: "127.0.0.1", port });
  await conn.write(
    new TextEncoder().encode(
      `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n`,
    ),
  );
  let text = "";
  for await (const chunk of conn.readable) {
    text += DECODER.decode(chunk, { stream: true });
  }
  const end = text.indexOf("\r\n\r\n");
  const head = text.slice(0, end);
  if (!head.startsWith("HTTP/1.1 200 ")) {
    throw new Error(`GET ${path}: ${head}`);
  }
  const body = text.slice(end + 4);
  return /transfer-encoding: chunked/i.test(head) ? unchunked(body) : body;
}

function unchunked(text: string): string {
  let body = "";
  for (let at = 0; at < text.length;) {
    const end = text.indexOf("\r\n", at);
    const size = parseInt(text.slice(at, end), 16);
    body += text.slice(end + 2, end + 2 + size);
    at = end + 2 + size + 2;
  }
  return body;
}
