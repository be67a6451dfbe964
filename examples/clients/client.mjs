// A client of the chat in plain JavaScript: node client.mjs [HOST [PORT [UID]]]. No package needed.
// (With one, `deno task client`, it comes back by itself when the connection is lost.)

import { Buffer } from "node:buffer";
import { connect } from "node:net";
import process from "node:process";

const MAGIC = 0x7978AECF;
const HEADER_BYTES = 24;
const [LOGIN, SAY, HEAR] = [1, 2, 100];
const [host = "127.0.0.1", port = "29000", uid = "7"] = process.argv.slice(2);

const socket = connect(Number(port), host);
socket.on("error", (error) => console.error(error.message));
const waiting = new Map();
let lastSn = 0;
let unread = Buffer.alloc(0);

// magic, version, flag, length of the whole box, cmd, ret, sn; big-endian; then the body
function request(cmd, body) {
  const sn = ++lastSn;
  const box = Buffer.alloc(HEADER_BYTES + Buffer.byteLength(body));
  box.writeUInt32BE(MAGIC, 0);
  box.writeInt32BE(box.length, 8);
  box.writeInt32BE(cmd, 12);
  box.writeInt32BE(sn, 20);
  box.write(body, HEADER_BYTES);
  socket.write(box);
  return new Promise((resolve) => waiting.set(sn, resolve));
}

socket.on("data", (piece) => {
  unread = Buffer.concat([unread, piece]);
  while (unread.length >= HEADER_BYTES) {
    if (unread.readUInt32BE(0) !== MAGIC) return socket.destroy();
    const length = unread.readInt32BE(8);
    if (unread.length < length) return;
    take(unread.subarray(0, length));
    unread = unread.subarray(length);
  }
});

function take(box) {
  const [cmd, ret, sn] = [12, 16, 20].map((at) => box.readInt32BE(at));
  const body = box.toString("utf8", HEADER_BYTES);
  if (cmd === HEAR) return console.log("heard:", body);
  waiting.get(sn)?.({ ret, body });
  waiting.delete(sn);
}

const { ret } = await request(LOGIN, JSON.stringify({ uid: Number(uid) }));
console.log("login:", ret);
console.log("say:", (await request(SAY, "hello from Node")).ret);
