// A service of a nats-server: one of a queue group that answers with the body that came.
//
//   deno run -A bench/programs/peers/nats_service.ts PORT SUBJECT

import { connect } from "npm:@nats-io/transport-node@3.4.0";

const [port, subject] = Deno.args;
const connection = await connect({ servers: `127.0.0.1:${port}` });
connection.subscribe(subject!, {
  queue: "workers",
  callback: (error, message) => {
    if (error) throw error;
    message.respond(message.data);
  },
});
// The server has done all before this when it answers.
await connection.flush();
console.log("ready");
