import {
  assert,
  assertEquals,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import {
  decodeSocketAddress,
  encodeSocketAddress,
  Errno,
  Libc,
  Poll,
  PollEvents,
  PollOperation,
} from "@maple/box/internal";
import { bounded } from "../support.ts";

const ELSEWHERE = Deno.build.os !== "linux";

/** Two ends of a connection, both descriptors of the library. */
function pair(libc: Libc): { near: number; far: number; listener: number } {
  const address = encodeSocketAddress("127.0.0.1", 0)!;
  const listener = libc.socket(address);
  assertStrictEquals(libc.bind(listener, address), 0);
  assertStrictEquals(libc.listen(listener, 4), 0);
  const near = libc.connectLoopback(libc.portOf(listener));
  const far = libc.accept(listener);
  assert(near >= 0 && far >= 0);
  assertStrictEquals(decodeSocketAddress(libc.peer).port, libc.portOf(near));
  return { near, far, listener };
}

function test(name: string, fn: (libc: Libc) => void | Promise<void>): void {
  Deno.test({
    name,
    ignore: ELSEWHERE,
    async fn() {
      using libc = Libc.open();
      await fn(libc);
    },
  });
}

test("Libc reads no more than the buffer has room for, and nothing into one that was given away", (libc) => {
  const { near, far, listener } = pair(libc);
  libc.send(near, new Uint8Array([1, 2, 3, 4]));
  const memory = new Uint8Array(8);
  assertStrictEquals(libc.receive(far, memory.subarray(2, 4)), 2);
  assertEquals([...memory], [0, 0, 1, 2, 0, 0, 0, 0]);
  structuredClone(memory, { transfer: [memory.buffer] });
  assertStrictEquals(libc.receive(far, memory), -Errno.invalid);
  const growing = new Uint8Array(new ArrayBuffer(8, { maxByteLength: 16 }));
  growing.buffer.resize(1);
  assertStrictEquals(libc.receive(far, growing), 1);
  assertStrictEquals(libc.send(far, new Uint8Array(0)), 0);
  assertStrictEquals(libc.receive(far, new Uint8Array(8)), 1);
  for (const one of [near, far, listener]) libc.close(one);
});

test("Libc tells errors apart", (libc) => {
  const { near, far, listener } = pair(libc);
  assertStrictEquals(libc.receive(far, new Uint8Array(1)), -Errno.again);
  assertStrictEquals(libc.accept(listener), -Errno.again);
  assertStrictEquals(libc.endSending(near), 0);
  assertStrictEquals(libc.receive(far, new Uint8Array(1)), 0);
  const other = pair(libc);
  libc.send(other.far, new Uint8Array(1));
  // With a byte that it has not read it is reset.
  libc.close(other.near);
  const reset = libc.receive(other.far, new Uint8Array(1));
  assert(libc.error(-reset) instanceof Deno.errors.ConnectionReset);
  // No signal has ended the process.
  const broken = libc.error(-libc.send(other.far, new Uint8Array(1)));
  assert(broken instanceof Deno.errors.BrokenPipe);
  assertEquals(broken.message, "Broken pipe (os error 32)");
  assertStrictEquals((broken as { code?: string }).code, "EPIPE");
  assertEquals(libc.error(1234).message, "Unknown error 1234 (os error 1234)");
  for (const one of [near, far, listener, other.far, other.listener]) {
    libc.close(one);
  }
  assertStrictEquals(libc.close(listener), -Errno.badDescriptor);
});

test("Libc waits for what is ready, and in a thread while all else goes on", async (libc) => {
  const { near, far, listener } = pair(libc);
  const poll = libc.createPoll();
  const events = new PollEvents(4);
  const about = { descriptor: far, events: Poll.in, generation: 4_294_967_295 };
  assertStrictEquals(libc.control(poll, PollOperation.add, about), 0);
  assertStrictEquals(libc.wait(poll, events, 1), 0);
  const waiting = libc.waitInThread(poll, 20_000);
  assertThrows(() => libc[Symbol.dispose](), Error, "a thread waits in it");
  await new Promise((resolve) => setTimeout(resolve, 1));
  libc.send(near, new Uint8Array(1));
  assertStrictEquals(await bounded(waiting), 1);
  assertStrictEquals(libc.wait(poll, events, 0), 1);
  assertEquals(
    [events.events(0), events.descriptor(0), events.generation(0)],
    [Poll.in, far, about.generation],
  );
  for (const one of [near, far, listener, poll]) libc.close(one);
});

test("Libc has no descriptor that children of the process would get", (libc) => {
  const { near, far, listener } = pair(libc);
  const own = [near, far, listener, libc.createPoll(), libc.createWaker()];
  for (const one of own) {
    const info = Deno.readTextFileSync(`/proc/self/fdinfo/${one}`);
    const flags = parseInt(/^flags:\s*(\d+)/m.exec(info)![1]!, 8);
    assert(flags & 0o2000000, `${one}: ${flags.toString(8)}`);
    libc.close(one);
  }
});

test("Libc makes no call once it is closed", (libc) => {
  libc[Symbol.dispose]();
  assertThrows(() => libc.close(99), Error, "library is closed");
  assertThrows(() => libc.receive(99, new Uint8Array(1)), Error, "closed");
  libc[Symbol.dispose]();
});

Deno.test("Libc.open() says that it needs --allow-ffi", {
  ignore: ELSEWHERE,
  permissions: { ffi: false },
}, () => {
  assertThrows(
    () => Libc.open(),
    Error,
    "it needs --allow-ffi, to call the system's library",
  );
});

Deno.test("socket addresses are written as Deno writes them", () => {
  for (
    const hostname of [
      "127.0.0.1",
      "255.0.1.2",
      "::",
      "::1",
      "2001:db8::1:0:0:1",
      "::ffff:10.0.0.1",
      "fe80::abcd:1",
    ]
  ) {
    const bytes = encodeSocketAddress(hostname, 65_432)!;
    assertEquals(decodeSocketAddress(bytes), {
      transport: "tcp",
      hostname,
      port: 65_432,
    });
  }
  assertStrictEquals(encodeSocketAddress("localhost", 1), undefined);
  assertStrictEquals(encodeSocketAddress("fe80::1%lo", 1), undefined);
  assertStrictEquals(encodeSocketAddress("", 1), undefined);
});
