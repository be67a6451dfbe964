// A client of the chat, on either kind of server: what you type is said, "/kick 7" shows user 7
// out, "/leave" leaves, the end of the input ends it.
//
//   deno run -A examples/chat/chat_client.ts --uid 7 [--port PORT]

import { parseArgs } from "@std/cli/parse-args";
import { Box, TcpClient } from "@maple/box";
import { Cmd } from "./chat_handlers.ts";

const flags = parseArgs(Deno.args, {
  string: ["port", "uid"],
  default: { port: "7777", uid: "1" },
});

await using client = new TcpClient(Box, "127.0.0.1", Number(flags.port));
client.on(Cmd.HEAR, (box) => console.log(box.text()));
client.on(Cmd.TIME, (box) => console.log(`it is ${box.text()}`));
await client.connect();
// What nobody asked for and no handler takes does not come: this waits for the end.
const ended = client.read();

/** Asks for something, and says so when it is refused. */
async function ask(cmd: number, body: string | { uid: number }): Promise<void> {
  const { ret } = await client.request({ cmd, body }, { timeout: 10 });
  if (ret !== 0) console.log(`refused: ${ret}`);
}

await ask(Cmd.LOGIN, { uid: Number(flags.uid) });
const typing = (async () => {
  const lines = Deno.stdin.readable.pipeThrough(new TextDecoderStream());
  for await (const text of lines) {
    for (const line of text.split("\n").filter((line) => line !== "")) {
      const [, uid] = /^\/kick (\d+)$/.exec(line) ?? [];
      if (uid !== undefined) await ask(Cmd.KICK, { uid: Number(uid) });
      else if (line === "/leave") await ask(Cmd.LEAVE, "");
      else await ask(Cmd.SAY, line);
    }
  }
})();
await Promise.race([typing, ended]);
