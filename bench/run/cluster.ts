// Cluster: what gateways that are one put on a real nats-server, and what each message costs; with
// stand-ins for gateways, as many as one process can be.

import { TaskOffset } from "@maple/box";
import { encodeHello, UNTOLD } from "../../gateway/cluster/hello.ts";
import { HEAD_BYTES } from "../../gateway/cluster/message.ts";
import { LOGIN_BYTES } from "../../gateway/cluster/login_rows.ts";
import { gatherMs } from "../../gateway/cluster/logins.ts";
import {
  type BusLoad,
  busLoad,
  type ClusterSituation,
  type MessageBytes,
} from "./cluster_load.ts";
import type { BenchContext } from "./context.ts";
import { BODY_BYTES, type LightResult } from "./light_result.ts";
import { NatsServer } from "./nats_server.ts";
import { Program } from "./program.ts";
import type { Row } from "./rows.ts";
import { median } from "./statistics.ts";

const HELLO = { ...UNTOLD, state: "serving" } as const;
// What the bus counts of a message: the subject does not count, nor do the lines around it.
const MESSAGE_BYTES: MessageBytes = {
  hello: HEAD_BYTES + encodeHello(HELLO).length,
  logins: HEAD_BYTES,
  login: LOGIN_BYTES,
  // The row of a message to one user around its box.
  message: HEAD_BYTES + TaskOffset.body + BODY_BYTES + 10,
};
const LEAST_S = 3;

interface Run extends Omit<ClusterSituation, "gatherMs"> {
  readonly what: string;
  /** Logins that are told in one message. */
  readonly perMessage: number;
}

const RUNS: readonly Run[] = [
  { what: "at rest", gateways: 50, logins: 0, perMessage: 1, messages: 0 },
  {
    what: "560 logins/s",
    ...{ gateways: 50, logins: 560, perMessage: 1, messages: 0 },
  },
  {
    what: "500 messages/s",
    ...{ gateways: 50, logins: 0, perMessage: 1, messages: 500 },
  },
  {
    what: "2,000 messages/s",
    ...{ gateways: 50, logins: 0, perMessage: 1, messages: 2000 },
  },
  {
    what: "16,000 logins/s, 16 in one",
    ...{ gateways: 50, logins: 16_000, perMessage: 16, messages: 0 },
  },
  {
    what: "200 messages/s",
    ...{ gateways: 150, logins: 0, perMessage: 1, messages: 200 },
  },
];

// Clients of a gateway, all of them logged in, and minutes that one stays.
const CLIENTS = 20_000;
const STAY_MIN = 30;
const SIZES = [50, 500];

interface Situation {
  readonly what: string;
  readonly logins: (gateways: number) => number;
  readonly messages: number;
}

// What is reckoned only: what happens in a second in a cluster that no one machine holds.
const everyDay = (gateways: number) => gateways * CLIENTS / STAY_MIN / 60;
const ON_PAPER: readonly Situation[] = [
  { what: "every day", logins: everyDay, messages: 0 },
  { what: "and 1,000 messages/s", logins: everyDay, messages: 1000 },
  { what: "and 5,000 messages/s", logins: everyDay, messages: 5000 },
  {
    what: "a gateway lost, its clients back in 10 s",
    ...{ logins: () => CLIENTS / 10, messages: 1000 },
  },
  {
    what: "all restarted, all back in 60 s",
    ...{ logins: (gateways) => gateways * CLIENTS / 60, messages: 0 },
  },
];

/** What one run has shown. */
interface Measured {
  readonly delivered: number;
  readonly bytes: number;
  /** Microseconds of the nats-server's processors for each message that it gives. */
  readonly serverUs: number;
  /** Microseconds of a gateway's processor for each message that it gets. */
  readonly gatewayUs: number;
  /** The share of what was to come that has come. */
  readonly came: number;
}

/** What the bus has to carry, beside what was reckoned, and what it costs. */
export async function cluster(context: BenchContext): Promise<Row[]> {
  const seconds = Math.max(context.seconds, LEAST_S);
  const rows: Row[] = [];
  const costs: Measured[] = [];
  for (const run of RUNS) {
    const scenario = `${run.gateways} gateways, ${run.what}`;
    const measured: Measured[] = [];
    const reckoned = busLoad(
      { ...run, gatherMs: gatherMsOf(run) },
      MESSAGE_BYTES,
    );
    for (let round = 0; round < context.rounds; round++) {
      context.tell(`${scenario}, round ${round + 1}`);
      measured.push(await measure(context, run, seconds));
    }
    rows.push(...rowsOf(scenario, reckoned, measured));
    costs.push(...measured);
  }
  return [...rows, ...SIZES.flatMap((size) => onPaper(size, costs))];
}

// With the costs of the busiest runs: where little comes, each message costs more.
function onPaper(gateways: number, measured: readonly Measured[]): Row[] {
  const costs = measured.toSorted((a, b) => b.delivered - a.delivered)
    .slice(0, Math.ceil(measured.length / RUNS.length));
  const serverUs = median(costs.map((one) => one.serverUs));
  const gatewayUs = median(costs.map((one) => one.gatewayUs));
  return ON_PAPER.flatMap(({ what, logins, messages }): Row[] => {
    const scenario = `${gateways} × ${
      CLIENTS.toLocaleString("en-US")
    }: ${what}`;
    const load = busLoad(
      {
        ...{ gateways, messages, logins: logins(gateways) },
        gatherMs: gatherMs(gateways - 1),
      },
      MESSAGE_BYTES,
    );
    const { delivered, bytes } = load;
    const row = (subject: string, value: number, unit: string): Row => ({
      ...{ scenario, subject, unit, values: [value] },
    });
    return [
      row("reckoned", delivered, "messages/s"),
      row("reckoned", bytes, "bytes/s"),
      row("nats-servers", delivered * serverUs / 1e6, "processors"),
      row(
        "each gateway",
        100 * delivered / gateways * gatewayUs / 1e6,
        "% of a processor",
      ),
    ];
  });
}

// The time over which a gateway would have gathered so many.
function gatherMsOf({ gateways, logins, perMessage }: Run): number {
  return logins === 0 ? 0 : 1000 * (perMessage - 1) / (logins / gateways);
}

function rowsOf(
  scenario: string,
  reckoned: BusLoad,
  measured: readonly Measured[],
): Row[] {
  const row = (of: "delivered" | "bytes", unit: string): Row => ({
    ...{ scenario, subject: "nats-server gives", unit },
    values: measured.map((one) => one[of]),
    ratios: measured.map((one) => one[of] / reckoned[of]),
    yardstick: "reckoned",
  });
  const cost = (of: "serverUs" | "gatewayUs", subject: string): Row => ({
    ...{ scenario, subject, unit: "µs CPU a message" },
    values: measured.map((one) => one[of]),
  });
  const came = median(measured.map(({ came }) => came));
  return [
    {
      ...row("delivered", "messages/s"),
      note: `${(100 * came).toFixed(1)} % came`,
    },
    row("bytes", "bytes/s"),
    cost("serverUs", "nats-server"),
    cost("gatewayUs", "each gateway"),
  ];
}

async function measure(
  { folder }: BenchContext,
  { gateways, logins, perMessage, messages }: Run,
  seconds: number,
): Promise<Measured> {
  await using server = await NatsServer.start(folder);
  const numbers = [gateways, logins, perMessage, messages, seconds];
  await using light = await Program.deno("programs/light_gateways.ts", [
    server.url,
    ...numbers.map(String),
  ]);
  const before = await server.told();
  await light.write("go");
  const said = await light.output();
  const after = await server.told();
  const result: LightResult = JSON.parse(said);
  const others = gateways - 1;
  const { received } = result;
  const due = (logins + messages) * seconds * others;
  const delivered = after.messages - before.messages;
  return {
    delivered: delivered / result.seconds,
    bytes: (after.bytes - before.bytes) / result.seconds,
    serverUs: 1e6 * (after.cpu - before.cpu) / delivered,
    gatewayUs: 1e6 * result.cpu / delivered,
    came: due === 0 ? 1 : (received.logins + received.messages) / due,
  };
}
