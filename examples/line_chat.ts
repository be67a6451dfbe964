// A chat for plain telnet: what anybody types, everybody else reads. "/name ANN" sets one's name,
// "/quit" leaves.
//
//   deno run -A examples/line_chat.ts [--port PORT]
//   telnet 127.0.0.1 7777

import { parseArgs } from "@std/cli/parse-args";
import { LineBox, type LineFields } from "@maple/box";
import { type Connection, Haven } from "@maple/haven";

const flags = parseArgs(Deno.args, {
  string: ["port"],
  default: { port: "7777" },
});

const app = new Haven(LineBox);

app.createConn((conn) => {
  conn.state.name = `guest ${conn.id}`;
  conn.write({ body: `welcome, ${conn.state.name}` });
  tellOthers(conn, `${conn.state.name} is here`);
});

app.closeConn((conn) => tellOthers(conn, `${conn.state.name} is gone`));

// A line has no cmd: all of them come to route 0.
app.route(0, ({ box, conn }) => {
  const line = box.text().trim();
  if (line === "/quit") {
    conn.write({ body: "bye" });
    conn.close();
  } else if (line.startsWith("/name ")) {
    const before = conn.state.name;
    conn.state.name = line.slice("/name ".length);
    tellOthers(conn, `${before} is now ${conn.state.name}`);
  } else if (line !== "") {
    tellOthers(conn, `${conn.state.name}: ${line}`);
  }
}, { endpoint: "say", answers: false });

function tellOthers(sender: Connection<LineFields>, body: string): void {
  const line = new LineBox({ body }).pack();
  for (const conn of app.connections) {
    if (conn !== sender) conn.write(line);
  }
}

await app.run("127.0.0.1", Number(flags.port));
