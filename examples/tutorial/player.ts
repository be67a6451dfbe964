// A player in the terminal: shows the table and plays the card that is typed.
//
//   deno run -A examples/tutorial/player.ts UID [PORT]

import { Box, Client } from "@maple/box";
import type { View } from "./step2_rules.ts";
import { Cmd } from "./step3_game.ts";

const [uid = "1", port = "7777"] = Deno.args;

await using client = new Client(Box);
let last = 0;
client.onStateChange((state) => console.log(state));
client.onConnect(async (session) => {
  last = 0;
  const body = { uid: Number(uid) };
  const { ret } = await session.request({ cmd: Cmd.SIT, body });
  if (ret !== 0) console.log("the table is full");
});
client.on(Cmd.TABLE, (box) => {
  const view = box.json<View>();
  // Of two workers the slower one may tell of what was before.
  if (view.n <= last) return;
  last = view.n;
  console.log(describe(view));
});
await client.connect(`tcp://127.0.0.1:${port}`);

const lines = Deno.stdin.readable.pipeThrough(new TextDecoderStream());
for await (const line of lines) {
  const body = { card: Number(line) };
  const { ret } = await client.request({ cmd: Cmd.PLAY, body });
  if (ret !== 0) console.log("you cannot play that now");
}

function describe({ hand, played, tricks, rival, over }: View): string {
  if (!rival) return "nobody else is here";
  if (over) return `over: you ${tricks}, user ${rival.uid} ${rival.tricks}`;
  const mine = played === undefined ? "play one" : `you played ${played}`;
  const theirs = rival.hasPlayed ? "has played" : "thinks";
  return `${
    hand.join(" ")
  } (${mine}; user ${rival.uid} ${theirs}; ${tricks}:${rival.tricks})`;
}
