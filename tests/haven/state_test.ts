// What requests and connections keep, typed by the app.

import { assertEquals } from "@std/assert";
import { Box, type BoxFields } from "@maple/box";
import {
  type AnyApp,
  type AppRequest,
  Blueprint,
  GHaven,
  Haven,
  type HavenRequest,
  type Routes,
  THaven,
} from "@maple/haven";
import { Worker, type WorkerRequest } from "@maple/worker";

type Mine = { user: string };
type OfConn = { room: number };

function common(app: AnyApp<AppRequest<BoxFields, Mine>>): void {
  app.beforeRequest((request) => {
    request.state.user = "ann";
    // @ts-expect-error There is no such member.
    request.state.nothing = 1;
    // @ts-expect-error It is a string.
    request.state.user = 1;
  });
}

function unknowing(app: Routes): void {
  app.beforeRequest((request) => request.state.anything = 1);
}

Deno.test("state and conn.state have the types that the app was made with", () => {
  const app = new Haven<BoxFields, Mine, OfConn>(Box);
  app.route(
    1,
    ({ state, conn }) => `${state.user.length} ${conn.state.room + 1}`,
  );
  // @ts-expect-error There is no such member.
  app.route(2, ({ state }) => state.room);
  // @ts-expect-error Nor here.
  app.createConn((conn) => conn.state.user);
  app.createClient(({ conn, state }) => [conn.state.room, state.user]);
  common(app);
  unknowing(app);

  const worker = new Worker<BoxFields, Mine>(Box);
  worker.route(1, ({ state }) => state.user);
  // @ts-expect-error There is no such member.
  worker.route(2, ({ state }) => `${state.room}`);
  common(worker);
  unknowing(worker);

  const blueprint = new Blueprint<HavenRequest<BoxFields, Mine, OfConn>>("b");
  blueprint.route(3, ({ state, conn }) => `${state.user} ${conn.state.room}`);
  blueprint.closeAppConn((conn) => conn.state.room);
  app.registerBlueprint(blueprint);
  // @ts-expect-error A worker's requests have no connection.
  worker.registerBlueprint(blueprint);
  const shared = new Blueprint<AppRequest<BoxFields, Mine>>("shared");
  shared.route(4, ({ state }) => state.user);
  app.registerBlueprint(shared);
  const other = new Blueprint<WorkerRequest<BoxFields, Mine>>("other");
  other.route(5, ({ state, custom }) => `${state.user} ${custom + 1}`);
  worker.registerBlueprint(other);
  assertEquals(app.blueprints, ["b", "shared"]);
  for (const Kind of [GHaven, THaven]) {
    common(new Kind<BoxFields, Mine, OfConn>(Box));
  }
});

Deno.test("state holds anything where the app does not say", () => {
  const app = new Haven(Box);
  app.route(1, ({ state, conn }) => {
    state.anything = conn.state.more = 1;
    // @ts-expect-error It is unknown.
    return `${state.anything.length}`;
  });
  unknowing(app);
  const worker = new Worker(Box);
  unknowing(worker);
});
