// What the options about the cluster must be, alone and together.

import { parseInner } from "@maple/box/internal";
import { fail } from "../errors.ts";
import type { ResolvedOptions } from "../option_table.ts";
import { parseNatsServers } from "./nats_servers.ts";

/** What makes the error of a check. */
type Fail = (message: string) => Error;

// It is a part of the names by which gateways find each other.
const NAME = /^[A-Za-z0-9_-]{1,64}$/;
const CREDS = /-BEGIN NATS USER JWT-[^]+-BEGIN USER NKEY SEED-/;
const PEM = /-BEGIN [^]+-END /;

const ONLY_WITH_CLUSTER = [
  "clusterCreds",
  "clusterTlsCa",
  "clusterTlsCert",
  "clusterTlsKey",
] as const;

/** Makes sure of the name of a cluster; an error begins with the source. */
export function checkClusterName(
  source: string,
  name: string,
  fail: Fail,
): void {
  if (NAME.test(name)) return;
  throw fail(
    `${source} must be 1 to 64 letters, digits, - and _, got ${
      JSON.stringify(name)
    }`,
  );
}

/** Makes sure of an address that others are told; an error begins with the source. */
export function checkAdvertised(
  source: string,
  address: string,
  fail: Fail,
): void {
  if (address === "" || parseInner(address)) return;
  throw fail(
    `${source} must be HOST:PORT that others can connect to, got ${
      JSON.stringify(address)
    }`,
  );
}

/**
 * Makes sure that the options about the cluster fit.
 *
 * @throws {GatewayError} with one line, when they do not.
 */
export function checkCluster(options: ResolvedOptions): void {
  const { cluster, clusterTlsCert, clusterTlsKey } = options;
  parseNatsServers("Option cluster", cluster, fail);
  checkClusterName("Option clusterName", options.clusterName, fail);
  checkAdvertised("Option innerAdvertise", options.innerAdvertise, fail);
  const lonely = ONLY_WITH_CLUSTER.find((name) => options[name] !== "");
  if (lonely && cluster === "") throw fail(`Option ${lonely} needs a cluster`);
  if ((clusterTlsCert === "") !== (clusterTlsKey === "")) {
    throw fail("Options clusterTlsCert and clusterTlsKey need each other");
  }
}

/**
 * Makes sure that the files can be used that are shown to the servers of the bus.
 *
 * @throws {GatewayError} with one line, when one cannot.
 */
export function checkClusterFiles(options: ResolvedOptions): void {
  checkFile(options, "clusterCreds", CREDS, "a NATS user's JWT and its seed");
  checkFile(options, "clusterTlsCa", PEM, "certificates in PEM");
  checkFile(options, "clusterTlsCert", PEM, "a certificate in PEM");
  checkFile(options, "clusterTlsKey", PEM, "a private key in PEM");
}

function checkFile(
  options: ResolvedOptions,
  name: typeof ONLY_WITH_CLUSTER[number],
  pattern: RegExp,
  what: string,
): void {
  const path = options[name];
  if (path === "") return;
  let text: string;
  try {
    text = Deno.readTextFileSync(path);
  } catch (error) {
    throw fail(
      `Cannot read the file "${path}" of ${name}: ${(error as Error).message}`,
    );
  }
  if (!pattern.test(text)) {
    throw fail(`The file "${path}" of ${name} does not hold ${what}`);
  }
}
