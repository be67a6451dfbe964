// The page over HTTP: built from web/ when it starts, with the browser client of @maple/box.
//
//   deno run -A examples/doudizhu/serve.ts [--port PORT] [--ws-port PORT]
//
// by itself serves it for a gateway that runs on this machine already, with that port for
// WebSockets.

import { fileURLToPath } from "node:url";
import { parseArgs } from "@std/cli/parse-args";

const WEB = new URL("./web/", import.meta.url);
const CLIENT = new URL("../../box/client_mod.ts", import.meta.url);

/** Settings of {@linkcode servePage}. */
export interface PageOptions {
  /** Where to listen. */
  readonly hostname: string;
  /** The port; 0 is any free one. */
  readonly port: number;
  /** Where the page's WebSocket goes, on the same host. */
  readonly wsPort: number;
}

/** Builds the page's script. */
async function script(): Promise<Uint8Array<ArrayBuffer>> {
  const esbuild = await import("npm:esbuild@0.28.2");
  try {
    const { outputFiles } = await esbuild.build({
      entryPoints: [fileURLToPath(new URL("main.ts", WEB))],
      alias: { "@maple/box/client": fileURLToPath(CLIENT) },
      ...{ bundle: true, minify: true, format: "esm", write: false },
      target: "es2022",
      logLevel: "silent",
    });
    return outputFiles[0]!.contents as Uint8Array<ArrayBuffer>;
  } finally {
    // It runs as a process of its own.
    await esbuild.stop();
  }
}

/** Serves the page. */
export async function servePage(
  { hostname, port, wsPort }: PageOptions,
): Promise<Deno.HttpServer<Deno.NetAddr>> {
  const read = (name: string) => Deno.readFile(new URL(name, WEB));
  const files: Record<string, [type: string, body: BodyInit]> = {
    "/": ["text/html", await read("index.html")],
    "/style.css": ["text/css", await read("style.css")],
    "/main.js": ["text/javascript", await script()],
    "/server.json": ["application/json", JSON.stringify({ wsPort })],
  };
  const onListen = () => {};
  return Deno.serve({ hostname, port, onListen }, ({ url }) => {
    const [type, body] = files[new URL(url).pathname] ?? [];
    if (type === undefined) return new Response("not here\n", { status: 404 });
    const headers = {
      "content-type": `${type}; charset=utf-8`,
      "cache-control": "no-cache",
    };
    return new Response(body, { headers });
  });
}

if (import.meta.main) {
  const flags = parseArgs(Deno.args, {
    string: ["port", "ws-port"],
    default: { port: "8000", "ws-port": "29001" },
  });
  const { addr } = await servePage({
    hostname: "127.0.0.1",
    port: Number(flags.port),
    wsPort: Number(flags["ws-port"]),
  });
  console.log(`the card table is at http://${addr.hostname}:${addr.port}/`);
}
