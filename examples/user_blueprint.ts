// A blueprint in use: users log in, and only those who have may ask who they are.
//
//   deno run -A examples/user_blueprint.ts [--port PORT]
//
// cmd 101 {"name": "ann"} logs in, cmd 102 tells who one is, cmd 103 logs out; ret 1 = not logged
// in.

import { parseArgs } from "@std/cli/parse-args";
import { Box } from "@maple/box";
import { Blueprint, Haven, type HavenRequest } from "@maple/haven";

const LOGIN = 101;
const WHO_AM_I = 102;
const LOGOUT = 103;

const flags = parseArgs(Deno.args, {
  string: ["port"],
  default: { port: "7777" },
});

const user = new Blueprint<HavenRequest>("user");

user.beforeRequest((request) => {
  if (request.cmd !== LOGIN && request.conn.state.user === undefined) {
    return request.interrupt({ ret: 1 });
  }
});
user.closeAppConn((conn) => {
  if (conn.state.user !== undefined) console.log(`${conn.state.user} is gone`);
});

user.route(LOGIN, (request) => {
  const { name } = request.box.json<{ name: string }>();
  request.conn.state.user = name;
  console.log(`${name} is here, by ${request.endpoint}`);
  return { body: { welcome: name } };
}, "login");

user.route(WHO_AM_I, (request) => ({
  body: { name: request.conn.state.user },
}), "whoAmI");

user.route(LOGOUT, (request) => {
  delete request.conn.state.user;
  return { ret: 0 };
}, "logout");

const app = new Haven(Box);
app.registerBlueprint(user);
await app.run("127.0.0.1", Number(flags.port));
