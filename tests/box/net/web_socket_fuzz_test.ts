// WebSocketDecoder against a plain decoder of the same rules, on frames that were spoiled at random.

import { assert, assertEquals } from "@std/assert";
import { WebSocketDecoder } from "../../../box/net/web_socket_decoder.ts";
import { propertyTest } from "../../helpers/random.ts";
import { joined, toHex } from "../support.ts";
import { plainDecode, randomFrames, textOf } from "./web_socket_fuzz.ts";

const CASES = 200_000;
const FRAMES = 3;

propertyTest(
  "WebSocketDecoder makes of 200,000 spoiled frames what a plain decoder does, and takes no memory",
  (random) => {
    const before = Deno.memoryUsage();
    const buffer = new Uint8Array(4096);
    for (let i = 0; i < CASES; i += FRAMES) {
      const bytes = randomFrames(random, FRAMES);
      const events: string[] = [];
      const decoder = new WebSocketDecoder({
        onPing: (payload) => events.push(`ping ${textOf(payload)}`),
        onPong: () => events.push("pong"),
        onCloseFrame: (code, reason) => events.push(`close ${code} ${reason}`),
      });
      const data: Uint8Array[] = [];
      for (let at = 0; at < bytes.length;) {
        const offset = random.between(0, 9);
        const count = Math.min(random.between(1, 200), bytes.length - at);
        buffer.set(bytes.subarray(at, at + count), offset);
        const left = decoder.decode(buffer, offset, count);
        assert(left >= 0 && left <= count);
        data.push(buffer.slice(offset, offset + left));
        at += count;
      }
      const expected = plainDecode(bytes);
      assertEquals(
        {
          data: textOf(joined(data)),
          events,
          fault: decoder.fault?.closeCode,
        },
        expected,
        `bytes ${toHex(bytes)}`,
      );
    }
    const after = Deno.memoryUsage();
    assert(after.external - before.external < 32 * 1024 * 1024);
  },
);
