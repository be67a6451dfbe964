// Routes: a module of handlers written once registers on an app and on a blueprint.

import { assertEquals } from "@std/assert";
import { Box, type BoxFields, LineBox, type LineFields } from "@maple/box";
import { type AppRequest, Blueprint, type Routes } from "@maple/haven";
import { answers, newConn, TestApp, type TestRequest } from "./test_app.ts";

function register(app: Routes): void {
  app
    .beforeRequest((request) => request.state.seen = true)
    .route(1, echo)
    .afterRequest((request, error) => {
      request.state.error = error;
    });
}

function echo(request: AppRequest): Promise<boolean> {
  return request.reply({ ret: 0, body: request.box.body });
}

Deno.test("Routes takes an app whose requests are a subclass, and blueprints of either", async () => {
  const app = new TestApp<BoxFields>();
  register(app);
  const common = new Blueprint("common");
  const special = new Blueprint<TestRequest<BoxFields>>("special");
  register(special);
  const routes: Routes[] = [app, common, special];
  assertEquals(routes.length, 3);

  const conn = newConn();
  await app.handle(app.request(new Box({ cmd: 1, sn: 4, body: "hi" }), conn));
  assertEquals(answers(conn).map((box) => [box.sn, box.text()]), [[4, "hi"]]);

  const other = new TestApp<BoxFields>();
  other.registerBlueprint(special);
  const request = other.request(new Box({ cmd: 1, sn: 5, body: "ho" }));
  await other.handle(request);
  assertEquals(request.endpoint, "special.echo");
  assertEquals(request.state, { seen: true, error: undefined });
  assertEquals(answers(request.conn)[0]?.text(), "ho");
});

Deno.test("registerBlueprint() takes a blueprint written for the common request", () => {
  const app = new TestApp<BoxFields>();
  const common = new Blueprint("common");
  register(common);
  app.registerBlueprint(common);
  assertEquals(app.blueprints, ["common"]);
});

Deno.test("Routes of another box class are not those of Box", async () => {
  function registerLines(app: Routes<AppRequest<LineFields>>): void {
    app.route(0, (request) => request.reply({ body: request.box.text() }));
  }
  const app = new TestApp<LineFields>();
  registerLines(app);
  // @ts-expect-error What serves boxes with a cmd and an sn cannot serve lines.
  const wrong: Routes = app;
  wrong.route(2, () => {});
  const request = app.request(new LineBox({ body: "hello" }));
  await app.handle(request);
  assertEquals(request.conn.frames, [new TextEncoder().encode("hello\n")]);
});

Deno.test("hooks are typed by the app's requests and connections", () => {
  const app = new TestApp<BoxFields>();
  const blueprint = new Blueprint<TestRequest<BoxFields>>("typed");
  blueprint.createAppConn((conn) => conn.id.toFixed());
  blueprint.beforeAppResponse((request, response) => {
    response.ret = request.conn.id;
  });
  blueprint.startAppWorker((started) => started.logger.info("up"));
  // @ts-expect-error Connections have no such member.
  blueprint.closeAppConn((conn) => conn.nothing);
  app.startWorker((started) => started.log.info("up"));
  // @ts-expect-error Requests have no such member.
  app.route(1, (request) => void request.nothing);
  app.registerBlueprint(blueprint);
});
