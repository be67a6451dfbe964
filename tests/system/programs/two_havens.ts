// Two servers in one program that both start a process, for tests.

import { Box } from "@maple/box";
import { Haven } from "@maple/haven";
const one = new Haven(Box), two = new Haven(Box);
await Promise.all([
  one.run({ port: 0, io: "epoll" }),
  two.run({ port: 0, io: "epoll" }),
]);
