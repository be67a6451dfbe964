// LogSink: a buffer that is bounded, and that nobody waits for.

import { assert, assertEquals } from "@std/assert";
import {
  droppedLogLines,
  LogSink,
  type LogTarget,
  SINK_BYTES,
  writeOutLogs,
} from "../../../box/log/log_sink.ts";

/** A target that keeps what it is given, and waits to be let go on when it is held. */
class Target implements LogTarget {
  readonly room = 100;
  readonly batches: string[] = [];
  #held: PromiseWithResolvers<void> | undefined;

  hold(): void {
    this.#held = Promise.withResolvers();
  }

  release(): void {
    this.#held?.resolve();
    this.#held = undefined;
  }

  get lines(): string[] {
    return this.batches.join("").split("\n").slice(0, -1);
  }

  async write(lines: Uint8Array): Promise<void> {
    await this.#held?.promise;
    this.writeNow(lines);
  }

  writeNow(lines: Uint8Array): void {
    this.batches.push(new TextDecoder().decode(lines));
  }
}

const tell = (count: number) => `${count} dropped`;

Deno.test("LogSink.push() writes whole lines in order, in batches", async () => {
  const target = new Target();
  const sink = new LogSink(target);
  for (let i = 0; i < 30; i++) sink.push(`line ${i}`);
  sink.push("x".repeat(150));
  await sink.writtenOut();
  assertEquals(target.lines, [
    ...Array.from({ length: 30 }, (_, i) => `line ${i}`),
    "x".repeat(150),
  ]);
  assert(target.batches.length < 7, `${target.batches.length} batches`);
  for (const batch of target.batches) {
    assert(batch.endsWith("\n") && (batch.length <= 100 || batch[0] === "x"));
  }
});

Deno.test("LogSink.push() drops lines while nothing is written, and tells how many when there is room", async () => {
  const target = new Target();
  const sink = new LogSink(target);
  const before = droppedLogLines();
  target.hold();
  const line = "y".repeat(1023);
  for (let i = 0; i < 300; i++) sink.push(line, tell);
  assertEquals(droppedLogLines() - before, 300 - SINK_BYTES / 1024);
  target.release();
  await sink.writtenOut();
  sink.push("next", tell);
  await sink.writtenOut();
  const kept = SINK_BYTES / 1024;
  assertEquals(target.lines.length, kept + 2);
  assertEquals(target.lines.filter((one) => one === line).length, kept);
  assert(target.lines.includes(`${300 - kept} dropped`));
  assertEquals(target.lines.at(-1), "next");
});

Deno.test("LogSink.push() drops a line that is larger than the buffer, and tells it", async () => {
  const target = new Target();
  const sink = new LogSink(target);
  sink.push("z".repeat(SINK_BYTES), tell);
  await sink.writtenOut();
  assertEquals(target.lines, ["1 dropped"]);
});

Deno.test("writeOutLogs() waits for all sinks, but not for ever", async () => {
  const [one, two] = [new Target(), new Target()];
  const [first, second] = [new LogSink(one), new LogSink(two)];
  first.push("1");
  second.push("2");
  await writeOutLogs();
  assertEquals([one.lines, two.lines], [["1"], ["2"]]);
  two.hold();
  first.push("3");
  second.push("4");
  await writeOutLogs(50);
  assertEquals([one.lines, two.lines], [["1", "3"], ["2"]]);
  two.release();
  await writeOutLogs();
  assertEquals(two.lines, ["2", "4"]);
});

Deno.test("LogSink writes a line that comes in any step of the writing of another", async () => {
  for (let steps = 0; steps < 20; steps++) {
    const written: string[] = [];
    const sink = new LogSink({
      room: 4096,
      write: (lines) => {
        written.push(new TextDecoder().decode(lines));
        return Promise.resolve();
      },
      writeNow: () => {},
    });
    sink.push("one");
    for (let i = 0; i < steps; i++) await undefined;
    sink.push("two");
    await sink.writtenOut();
    assertEquals([steps, written.join("")], [steps, "one\ntwo\n"]);
  }
});
