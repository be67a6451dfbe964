// Every hook of a server, each printing its name as it is called.
//
//   deno run -A examples/hooks.ts [--port PORT]
//   deno run -A examples/echo_client.ts "hello"

import { parseArgs } from "@std/cli/parse-args";
import { Box } from "@maple/box";
import { Haven } from "@maple/haven";

const flags = parseArgs(Deno.args, {
  string: ["port"],
  default: { port: "7777" },
});

const app = new Haven(Box);

app.startWorker(() => console.log("startWorker"));
app.createConn((conn) => console.log(`createConn ${conn.id}`));
app.beforeFirstRequest(() => console.log("beforeFirstRequest"));

app.beforeRequest((request) => {
  console.log(`beforeRequest ${request.cmd}`);
  if (request.box.body.length === 0) {
    // The handler is not run.
    return request.interrupt({ ret: 1, body: "say something" });
  }
});
app.beforeResponse((_request, response) => {
  console.log(`beforeResponse ${response.ret}`);
});
app.afterResponse((_request, response, sent) => {
  console.log(`afterResponse ${response.ret} ${sent}`);
});
app.afterRequest((request, error) => {
  console.log(`afterRequest ${request.cmd} ${error ?? "went well"}`);
});

app.closeConn((conn) => console.log(`closeConn ${conn.id}`));
app.stopWorker(() => console.log("stopWorker"));

app.route(1, (request) => {
  console.log("handler");
  return { body: request.box.body };
}, "echo");

await app.run("127.0.0.1", Number(flags.port));
