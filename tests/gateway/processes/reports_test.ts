// ChildReports: the reports of several processes as one.

import { assertEquals } from "@std/assert";
import { FakeTime } from "@std/testing/time";
import { Gateway, type GatewayStats } from "@maple/gateway";
import {
  type ProcessStatus,
  SILENT,
  type WatchedChild,
} from "@maple/box/internal";
import {
  type GatewayReport,
  reportOf,
} from "../../../gateway/metrics/report.ts";
import { ChildReports } from "../../../gateway/processes/reports.ts";

const ADDRESSES = {
  ...{ outer: "0.0.0.0:1", ws: null, tls: null, wss: null },
  inner: "127.0.0.1:2",
};

/** A gateway of two processes, which tell what the test says. */
class Fixture implements Disposable {
  readonly reports: ChildReports;
  readonly own: GatewayReport;
  readonly processes: (Writable<ProcessStatus>)[] = [];
  readonly time = new FakeTime();
  asked = 0;
  isReady = true;
  isLeaving = false;

  constructor() {
    this.own = reportOf(new Gateway({ connsMax: 10, logger: SILENT }));
    for (const index of [1, 2]) {
      this.processes.push({
        ...{ index, ready: true, silent: false, restarts: 0, stats: undefined },
      });
    }
    this.reports = new ChildReports({
      own: () => this.own,
      processes: () => this.processes,
      ask: () => this.asked++,
      dropped: () => 4,
      isReady: () => this.isReady,
      isLeaving: () => this.isLeaving,
    });
    this.reports.started(ADDRESSES);
  }

  /** One of the processes tells this the next time that it is asked. */
  tells(index: number, stats: Partial<GatewayStats>): void {
    const { limits } = this.own;
    this.processes[index - 1]!.stats = {
      ...this.own,
      limits: { ...limits, connsMax: 5 },
      stats: { ...this.own.stats, pid: index, state: "serving", ...stats },
    };
  }

  [Symbol.dispose](): void {
    this.reports[Symbol.dispose]();
    this.time.restore();
  }
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };

Deno.test("ChildReports add up what the processes have told when they were asked last", () => {
  using fixture = new Fixture();
  const { reports, time } = fixture;
  assertEquals(reports.report().stats.clients, 0);
  fixture.tells(1, { clients: 3, answers: 10, clientsPeak: 4 });
  fixture.tells(2, { clients: 2, answers: 20, clientsPeak: 2 });
  assertEquals(reports.report().stats.clients, 0);
  time.tick(500);
  assertEquals(fixture.asked, 1);
  const { stats, limits, outer, inner, processes } = reports.report();
  assertEquals([stats.clients, stats.answers], [5, 30]);
  // More than either had at most, and all that were seen at a time.
  assertEquals(stats.clientsPeak, 5);
  assertEquals([limits.connsMax, stats.state], [10, "serving"]);
  assertEquals([outer, inner], ["0.0.0.0:1", "127.0.0.1:2"]);
  assertEquals(stats.clusterNotPassedOn.full, 4);
  assertEquals(
    processes!.map(({ index, clients, pid }) => [index, clients, pid]),
    [[1, 3, 1], [2, 2, 2]],
  );
});

Deno.test("ChildReports keep what a process has counted that has ended, and say that one is missing", () => {
  using fixture = new Fixture();
  const { reports, time, processes } = fixture;
  for (const round of [1, 2]) {
    fixture.tells(1, { clients: 3, answers: 10 });
    fixture.tells(2, { clients: 2, answers: 100 });
    time.tick(500);
    const ended = { stats: processes[0]!.stats } as WatchedChild;
    assertEquals(reports.ended(ended), 3);
    Object.assign(processes[0]!, { stats: undefined, ready: false });
    processes[0]!.restarts++;
    time.tick(500);
    const { stats, trouble } = reports.report();
    assertEquals([stats.clients, stats.answers], [2, 100 + 10 * round]);
    assertEquals(
      trouble.filter(({ what }) => what.startsWith("processes")),
      [
        { what: "processes that do not serve", count: 1, now: true },
        {
          what: "processes that ended by themselves, with their clients",
          ...{ count: round, now: false },
        },
      ],
    );
    processes[0]!.ready = true;
  }
});

Deno.test("ChildReports tell what the gateway as a whole does", () => {
  using fixture = new Fixture();
  const { reports } = fixture;
  const state = () => reports.report().stats.state;
  fixture.isReady = false;
  assertEquals(state(), "new");
  fixture.isReady = true;
  assertEquals(state(), "serving");
  fixture.isLeaving = true;
  assertEquals(state(), "draining");
  fixture.tells(2, { state: "leaving" });
  assertEquals(state(), "leaving");
});

Deno.test("ChildReports name addresses of clients only to those who may see them", () => {
  using fixture = new Fixture();
  const limitedAddresses = [{ address: "192.0.2.1", count: 1 }];
  fixture.tells(1, { limitedAddresses });
  fixture.time.tick(500);
  const { reports } = fixture;
  assertEquals(reports.report().stats.limitedAddresses, []);
  assertEquals(
    reports.report({ addresses: true }).stats.limitedAddresses,
    limitedAddresses,
  );
});
