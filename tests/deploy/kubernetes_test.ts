// The manifests for Kubernetes: of the form that is published, and true to each other.

import { assert, assertEquals, assertThrows } from "@std/assert";
import { StatefulSet } from "npm:kubernetes-models@5.1.0/apps/v1/StatefulSet";
import { Deployment } from "npm:kubernetes-models@5.1.0/apps/v1/Deployment";
import { PodDisruptionBudget } from "npm:kubernetes-models@5.1.0/policy/v1/PodDisruptionBudget";
import { Service } from "npm:kubernetes-models@5.1.0/v1/Service";
import { parseAllDocuments } from "npm:yaml@2.9.1";
import { deployText } from "./deploy_files.ts";
import { secondsToLeave } from "./gateway_flags.ts";

// deno-lint-ignore no-explicit-any -- what it is, the published form says
type Manifest = any;

const KINDS: Readonly<
  Record<string, new (data: Manifest) => { validate(): void }>
> = {
  StatefulSet,
  Deployment,
  PodDisruptionBudget,
  Service,
};

function manifestsIn(file: string): Manifest[] {
  return parseAllDocuments(deployText(`kubernetes/${file}`)).map((one) => {
    assertEquals(one.errors, []);
    return one.toJS();
  });
}

const gateway = manifestsIn("gateway.yaml");
const worker = manifestsIn("worker.yaml");
const all = [...gateway, ...worker];
const find = (kind: string, name: string): Manifest =>
  all.find((one) => one.kind === kind && one.metadata.name === name)!;
const gateways = find("StatefulSet", "maple-gateway");
const workers = find("Deployment", "maple-worker");

Deno.test("the manifests are as the published schemas of Kubernetes want them", () => {
  for (const manifest of all) {
    const Kind = KINDS[manifest.kind]!;
    new Kind(manifest).validate();
    const { apiVersion } = new Kind({}) as unknown as Manifest;
    assertEquals(manifest.apiVersion, apiVersion);
  }
  const wrong = structuredClone(gateways);
  wrong.spec.template.spec.terminationGracePeriodSeconds = "long";
  assertThrows(
    () => new StatefulSet(wrong).validate(),
    Error,
    "terminationGracePeriodSeconds",
  );
});

// The schemas allow fields that they do not name, the types that are made of them do not.
Deno.test("the manifests have no field that Kubernetes does not know", async () => {
  const check = async (manifests: readonly Manifest[]) => {
    const lines = manifests.map(({ apiVersion, kind, ...rest }, no) => {
      const path = `npm:kubernetes-models@5.1.0/${apiVersion}/${kind}`;
      return `import type { I${kind} as T${no} } from "${path}";
export const m${no}: T${no} = ${
        JSON.stringify({ apiVersion, kind, ...rest }, null, 2)
      };`;
    });
    const folder = await Deno.makeTempDir({ prefix: "maple_kubernetes_" });
    try {
      await Deno.writeTextFile(`${folder}/manifests.ts`, lines.join("\n"));
      const { stderr } = await new Deno.Command(Deno.execPath(), {
        args: ["check", "--quiet", `${folder}/manifests.ts`],
        env: { NO_COLOR: "1" },
        stdin: "null",
        stdout: "null",
      }).output();
      return new TextDecoder().decode(stderr);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  };
  assertEquals(await check(all), "");
  const wrong = structuredClone(gateways);
  wrong.spec.template.spec.containers[0].readinesProbe = {};
  assert((await check([wrong])).includes("readinesProbe"));
});

Deno.test("what the manifests name is there: labels, ports, services, secrets", () => {
  for (const { spec } of [gateways, workers]) {
    const { labels } = spec.template.metadata;
    assertEquals(labels, spec.selector.matchLabels);
    const [container] = spec.template.spec.containers;
    const names = container.ports.map(({ name }: Manifest) => name);
    for (const probe of ["readinessProbe", "livenessProbe"]) {
      const { httpGet, tcpSocket } = container[probe];
      assert(names.includes((httpGet ?? tcpSocket).port), probe);
    }
    const budget = find("PodDisruptionBudget", labels.app);
    assertEquals(budget.spec.selector.matchLabels, labels);
  }
  for (const { kind, metadata, spec } of gateway) {
    if (kind !== "Service") continue;
    assertEquals(spec.selector, gateways.spec.selector.matchLabels);
    const { ports } = gateways.spec.template.spec.containers[0];
    for (const { port, targetPort } of spec.ports) {
      assert(
        ports.some((one: Manifest) =>
          one.name === targetPort && one.containerPort === port
        ),
        metadata.name,
      );
    }
  }
  const inner = find("Service", gateways.spec.serviceName);
  assertEquals(inner.spec.clusterIP, "None");
  // Else workers would wait for gateways that wait for workers.
  assertEquals(inner.spec.publishNotReadyAddresses, true);
  const { args } = workers.spec.template.spec.containers[0];
  assert(args.includes(`--host=${inner.metadata.name}`));
});

Deno.test("nobody in the pods is root, writes to its image or may do more than others", () => {
  for (const { spec: { template: { spec } } } of [gateways, workers]) {
    const { runAsNonRoot, seccompProfile } = spec.securityContext;
    assertEquals([runAsNonRoot, seccompProfile], [true, {
      type: "RuntimeDefault",
    }]);
    assertEquals(spec.automountServiceAccountToken, false);
    for (const { securityContext } of spec.containers) {
      assertEquals(securityContext, {
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ["ALL"] },
      });
    }
  }
});

Deno.test("a gateway's pod is given the time in which its clients move", () => {
  const { terminationGracePeriodSeconds, containers: [container] } =
    gateways.spec.template.spec;
  const args = container.args.map((one: string) =>
    one.replace("$(POD_IP)", "10.0.0.1")
  );
  const before = container.lifecycle.preStop.sleep.seconds;
  const seconds = secondsToLeave(args);
  assert(seconds > 60, `${seconds}`);
  assert(before + seconds < terminationGracePeriodSeconds);
  assertEquals(container.readinessProbe.httpGet.path, "/healthz?ready");
  assertEquals(container.livenessProbe.httpGet.path, "/healthz");
});
