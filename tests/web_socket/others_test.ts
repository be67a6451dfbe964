// WebSocket clients of other makes against a gateway and a haven server: the npm package ws, Python's
// websockets, Chromium.

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { Buffer } from "node:buffer";
import { Box } from "@maple/box";
import { hasChromium, openBrowser } from "../helpers/browser.ts";
import { eventually } from "../helpers/eventually.ts";
import { pathOf } from "../helpers/paths.ts";
import { startProcess } from "../helpers/process.ts";
import { within } from "../helpers/within.ts";
import {
  type EchoServer,
  FRAME_MAX,
  SERVERS,
  startEcho,
} from "./echo_server.ts";

const SIZES = [24, 125, 126, 127, 65_535, 65_536, 1_000_000];

function box(size: number, sn = 0): Uint8Array<ArrayBuffer> {
  const body = new Uint8Array(size - Box.headerBytes).map((_, i) => i * 7);
  return new Box({ cmd: 1, sn, body }).pack() as Uint8Array<ArrayBuffer>;
}

/** The part of the package ws that is used. */
interface NodeSocket {
  readonly protocol: string;
  readonly extensions: string;
  on(event: string, listener: (...args: never[]) => void): void;
  once(event: string, listener: (...args: never[]) => void): void;
  send(data: Uint8Array, options?: { fin?: boolean; binary?: boolean }): void;
  ping(data: string): void;
  close(code?: number, reason?: string): void;
  terminate(): void;
}

type NodeSocketClass = new (
  url: string,
  protocols: string[],
  options: { perMessageDeflate: boolean },
) => NodeSocket;

async function importWs(): Promise<NodeSocketClass | undefined> {
  try {
    const name = "npm:ws@8.18.0";
    return (await import(name)).WebSocket;
  } catch (error) {
    console.log(
      `the npm package ws is not held against ours: ${
        (error as Error).message.split("\n")[0]
      }`,
    );
  }
}

async function findPython(): Promise<string | undefined> {
  for (const command of ["/usr/bin/python3", "python3"]) {
    try {
      const { success } = await new Deno.Command(command, {
        args: ["-c", "import websockets"],
        stdout: "null",
        stderr: "null",
      }).output();
      if (success) return command;
    } catch {
      // There is no such program.
    }
  }
  console.log(
    "Python's websockets are not held against ours: not installed (Debian: python3-websockets)",
  );
}

const WsSocket = await importWs();
const python = await findPython();

function test(
  name: string,
  isThere: boolean,
  fn: (server: EchoServer) => Promise<void>,
): void {
  for (const server of SERVERS) {
    Deno.test({
      name: `${name} and a ${server} understand each other`,
      ignore: !isThere,
      fn: async () => {
        await using started = await startEcho(server);
        await fn(started);
      },
    });
  }
}

/** Messages as they come, one at a time. */
class Messages {
  readonly #messages: Uint8Array[] = [];

  push(data: Uint8Array): void {
    this.#messages.push(data);
  }

  async next(): Promise<Uint8Array> {
    await eventually(() => this.#messages.length > 0, { what: "a message" });
    return this.#messages.shift()!;
  }
}

test("the npm package ws", WsSocket !== undefined, async (server) => {
  const socket = new WsSocket!(server.url, ["maple"], {
    perMessageDeflate: true,
  });
  const messages = new Messages();
  const pongs: string[] = [];
  const opened = new Promise<void>((resolve) => socket.once("open", resolve));
  const closed = new Promise<[number, string]>((resolve) =>
    socket.once(
      "close",
      (code: number, reason: Uint8Array) =>
        resolve([code, new TextDecoder().decode(reason)]),
    )
  );
  socket.on("message", (data: Buffer, isBinary: boolean) => {
    assert(isBinary);
    messages.push(new Uint8Array(data));
  });
  socket.on(
    "pong",
    (data: Uint8Array) => pongs.push(new TextDecoder().decode(data)),
  );
  await within(opened, "the opening");
  assertEquals([socket.protocol, socket.extensions], ["maple", ""]);
  for (const [sn, size] of SIZES.entries()) {
    socket.send(box(size, sn));
    assertEquals(await messages.next(), box(size, sn));
  }
  // Several boxes in a message, one in fragments, a ping between them.
  const both = new Uint8Array([...box(100, 1), ...box(200, 2)]);
  socket.send(both);
  assertEquals(await messages.next(), box(100, 1));
  assertEquals(await messages.next(), box(200, 2));
  socket.send(both.subarray(0, 50), { fin: false, binary: true });
  socket.ping("between");
  socket.send(both.subarray(50, 100), { fin: true, binary: true });
  assertEquals(await messages.next(), box(100, 1));
  await eventually(() => pongs.length > 0, { what: "a pong" });
  assertEquals(pongs, ["between"]);
  socket.close(4000, "enough");
  assertEquals(await within(closed, "the end"), [4000, ""]);
  await server.clients(0);
  assertEquals(server.complaints, []);
});

test("ws that is sent away", WsSocket !== undefined, async (server) => {
  const socket = new WsSocket!(server.url, [], { perMessageDeflate: false });
  const opened = new Promise<void>((resolve) => socket.once("open", resolve));
  const closed = new Promise<number>((resolve) =>
    socket.once("close", resolve)
  );
  await within(opened, "the opening");
  const header = new Box().pack();
  new DataView(header.buffer).setInt32(8, FRAME_MAX + 1);
  socket.send(header);
  assertEquals(await within(closed, "the end"), 1009);
});

test("Python's websockets", python !== undefined, async (server) => {
  await using client = await startProcess(python!, {
    args: [pathOf("../web_socket/client.py"), server.url, ...SIZES.map(String)],
    ready: /^connected$/,
  });
  const left = server.leave();
  const { code } = await within(client.status, "the end of the client");
  assertEquals(code, 0, client.stderr);
  assertEquals(JSON.parse(client.stdout.at(-1)!), {
    subprotocol: "maple",
    extensions: [],
    echoed: SIZES,
    pieces: 3000,
    pong: true,
    code: 1001,
    reason: "this side stops",
  });
  await within(left, "the server's end");
});

test("Chromium", hasChromium, async (server) => {
  await using browser = await openBrowser();
  const page = await browser.newPage();
  // Whoever merely visits is told what this is.
  await page.goto(server.url.replace("ws:", "http:")).catch(() => {});
  assertStringIncludes(
    await page.textContent("body") ?? "",
    "426 Upgrade Required: this port is for WebSockets",
  );
  // A message to the page takes long itself.
  const sizes = SIZES.filter((size) => size < 100_000);
  const frames = sizes.map((size, sn) => [...box(size, sn)]);
  const seen = await page.evaluate(async ({ url, frames }) => {
    const socket = new WebSocket(url, "maple");
    socket.binaryType = "arraybuffer";
    await new Promise((resolve) => socket.onopen = resolve);
    const same: boolean[] = [];
    for (const frame of frames) {
      const answer = new Promise<ArrayBuffer>((resolve) =>
        socket.onmessage = ({ data }) => resolve(data)
      );
      socket.send(new Uint8Array(frame));
      const bytes = new Uint8Array(await answer);
      same.push(
        bytes.length === frame.length &&
          bytes.every((byte, i) => byte === frame[i]),
      );
    }
    const closed = new Promise<CloseEvent>((resolve) =>
      socket.onclose = resolve
    );
    const { protocol, extensions } = socket;
    socket.send("text");
    const { code, reason, wasClean } = await closed;
    return { same, protocol, extensions, code, reason, wasClean };
  }, { url: server.url, frames });
  assertEquals(seen, {
    same: sizes.map(() => true),
    protocol: "maple",
    extensions: "",
    code: 1003,
    reason: "no WebSocket: a text message; boxes are sent in binary messages",
    wasClean: true,
  });
  await server.clients(0);
});
