// A WebSocket client's handshake and frames, with boxes in them.

import { maskedFrame, randomFrames } from "../../../box/net/web_socket_fuzz.ts";
import type { Random } from "../../../helpers/random.ts";
import { handshake } from "../../../helpers/web_socket_stream.ts";
import { boxes } from "./boxes.ts";
import { spoil } from "../spoil.ts";

const BOX_LENGTH_AT = 8;

/** A handshake, then messages and control frames. */
export function webSocket(random: Random): Uint8Array[] {
  const frames: Uint8Array[] = [new TextEncoder().encode(head(random))];
  // Boxes may begin in one message and end in another.
  for (const box of spoil(random, boxes(random), { lengthAt: BOX_LENGTH_AT })) {
    const parts = random.next() < 0.7 ? [box] : random.cut(box).slice(0, 20);
    parts.forEach((payload, i) =>
      frames.push(maskedFrame(random, {
        opcode: i === 0 || random.next() < 0.2 ? 2 : 0,
        fin: i === parts.length - 1 || random.next() < 0.2,
        payload,
      }))
    );
  }
  if (random.next() < 0.6) {
    frames.push(randomFrames(random, random.between(1, 8)));
  }
  return frames;
}

function head(random: Random): string {
  const path = random.pick([
    "/",
    "/",
    "/",
    "/x?y=%00",
    "*",
    "//",
    `/${"p".repeat(9000)}`,
  ]);
  const headers = random.pick<Record<string, string>>([
    {},
    {},
    {},
    {},
    { "Sec-WebSocket-Protocol": "a, b" },
    {
      "Sec-WebSocket-Extensions": "permessage-deflate; client_max_window_bits",
    },
    { "Sec-WebSocket-Key": "short" },
    { "Sec-WebSocket-Version": "8" },
    { Connection: "keep-alive, Upgrade", Upgrade: "WebSocket" },
    { Origin: "null" },
    { "X-Forwarded-For": "1.2.3.4, ::1, \u00ff" },
    { "Content-Length": "5", "Transfer-Encoding": "chunked" },
    { Host: "" },
  ]);
  return handshake({ path, headers });
}
