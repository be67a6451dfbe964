// What is used of NATS's own client. Nothing imports this file by its name: Deno gets all packages
// that it finds in a program's imports when that starts, and without a cluster none is needed.

export {
  checkOptions,
  credsAuthenticator,
  NatsConnectionImpl,
  setTransportFactory,
} from "npm:@nats-io/transport-node@3.4.0";
