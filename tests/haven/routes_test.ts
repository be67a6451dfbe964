// Routes: a module of handlers written once registers on an app and on a blueprint.

import { assertEquals } from "@std/assert";
import { LineBox, type LineFields } from "@maple/box";
import {
  type AppRequest,
  Blueprint,
  type HavenRequest,
  type Routes,
} from "@maple/haven";
import { testClient } from "@maple/haven/testing";
import { QuietHaven, quietHaven } from "./quiet_haven.ts";

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
  await using app = quietHaven();
  register(app);
  const common = new Blueprint("common");
  const special = new Blueprint<HavenRequest>("special");
  register(special);
  const routes: Routes[] = [app, common, special];
  assertEquals(routes.length, 3);

  const client = testClient(app);
  const answer = await client.request({ cmd: 1, body: "hi" });
  assertEquals(answer.text(), "hi");

  await using other = quietHaven();
  other.registerBlueprint(special);
  let seen: unknown;
  other.afterRequest(({ endpoint, state }) => seen = [endpoint, { ...state }]);
  const late = await testClient(other).request({ cmd: 1, body: "ho" });
  assertEquals(late.text(), "ho");
  assertEquals(seen, ["special.echo", { seen: true, error: undefined }]);
});

Deno.test("registerBlueprint() takes a blueprint written for the common request", () => {
  const app = quietHaven();
  const common = new Blueprint("common");
  register(common);
  app.registerBlueprint(common);
  assertEquals(app.blueprints, ["common"]);
});

Deno.test("Routes of another box class are not those of Box", async () => {
  function registerLines(app: Routes<AppRequest<LineFields>>): void {
    app.route(0, (request) => request.reply({ body: request.box.text() }));
  }
  await using app = new QuietHaven(LineBox);
  registerLines(app);
  // @ts-expect-error What serves boxes with a cmd and an sn cannot serve lines.
  const wrong: Routes = app;
  wrong.route(2, () => {});
  const answer = await testClient(app).request({ body: "hello" });
  assertEquals(answer.text(), "hello");
});

Deno.test("hooks are typed by the app's requests and connections", () => {
  const app = quietHaven();
  const blueprint = new Blueprint<HavenRequest>("typed");
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
