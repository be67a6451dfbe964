// Colyseus with one room, which answers a message of bytes with the same bytes. Says
// "ready 127.0.0.1:PORT".
//
//   NODE_ENV=production node colyseus.cjs FOLDER PORT
//
// FOLDER is where npm has installed it.

const { createRequire } = require("node:module");

const [folder, port] = process.argv.slice(2);
const load = createRequire(`${folder}/`);
const { Room, Server } = load("@colyseus/core");
const { WebSocketTransport } = load("@colyseus/ws-transport");

const TYPE = 1;

class Echo extends Room {
  onCreate() {
    this.onMessageBytes(TYPE, (client, bytes) => client.sendBytes(TYPE, bytes));
  }
}

const server = new Server({
  greet: false,
  transport: new WebSocketTransport(),
});
server.define("echo", Echo);
server.listen(Number(port), "127.0.0.1").then(() =>
  console.log(`ready 127.0.0.1:${port}`)
);
