import {
  assert,
  assertEquals,
  assertNotEquals,
  assertStrictEquals,
} from "@std/assert";
import {
  DESCRIPTORS_MAX,
  Errno,
  Libc,
  MESSAGE_MAX,
  Passing,
  type Received,
} from "@maple/box/internal";

const ELSEWHERE = Deno.build.os !== "linux";

function test(name: string, fn: (passing: Passing) => void): void {
  Deno.test({
    name,
    ignore: ELSEWHERE,
    fn() {
      using passing = Passing.open();
      fn(passing);
    },
  });
}

function got(passing: Passing, descriptor: number): Received {
  const received = passing.receive(descriptor);
  assert(typeof received === "object", `${received}`);
  return received;
}

test("Passing keeps messages apart, and tells when none is there and when the other side is gone", (passing) => {
  const [near, far] = passing.pair();
  assertStrictEquals(passing.receive(far), -Errno.again);
  assertStrictEquals(passing.waitToReceive(far, 1), false);
  assertStrictEquals(passing.send(near, new Uint8Array([1, 2])), 0);
  assertStrictEquals(passing.send(near, new Uint8Array([3])), 0);
  assertStrictEquals(passing.waitToReceive(far, 1000), true);
  assertEquals([...got(passing, far).bytes], [1, 2]);
  assertEquals([...got(passing, far).bytes], [3]);
  assertStrictEquals(passing.send(near, new Uint8Array([4])), 0);
  passing.close(near);
  assertEquals([...got(passing, far).bytes], [4]);
  assertStrictEquals(passing.receive(far), "ended");
  assert(passing.send(far, new Uint8Array([5])) < 0);
  passing.close(far);
});

test("Passing sends up to 200 descriptors, which are the same sockets under other numbers", (passing) => {
  const [near, far] = passing.pair();
  const [one, other] = passing.pair();
  const many = Array<number>(DESCRIPTORS_MAX).fill(one);
  assertStrictEquals(passing.send(near, new Uint8Array([9]), many), 0);
  const { bytes, descriptors, isCut } = got(passing, far);
  assertEquals([...bytes], [9]);
  assertStrictEquals(isCut, false);
  assertEquals(new Set(descriptors).size, DESCRIPTORS_MAX);
  assert(!descriptors.includes(one));
  // The sender's own can be closed.
  passing.close(one);
  assertStrictEquals(passing.send(descriptors[7]!, new Uint8Array([7])), 0);
  assertEquals([...got(passing, other).bytes], [7]);
  assertEquals(got.length, 2);
  for (const descriptor of descriptors) passing.close(descriptor);
  assertStrictEquals(passing.receive(other), "ended");
  assertStrictEquals(
    passing.send(near, new Uint8Array([1]), [...many, one]),
    -Errno.invalid,
  );
  for (const descriptor of [near, far, other]) passing.close(descriptor);
});

test("Passing sends 64 KiB in a message and no more, and waits where there is no room", (passing) => {
  const [near, far] = passing.pair();
  const longest = crypto.getRandomValues(new Uint8Array(MESSAGE_MAX));
  assertStrictEquals(
    passing.send(near, new Uint8Array(MESSAGE_MAX + 1)),
    -Errno.invalid,
  );
  let sent = 0;
  let result = 0;
  while ((result = passing.send(near, longest)) === 0) sent++;
  assertStrictEquals(result, -Errno.again);
  assert(sent > 0);
  for (let i = 0; i < sent; i++) assertEquals(got(passing, far).bytes, longest);
  assertStrictEquals(passing.waitToSend(near, 1000), true);
  assertStrictEquals(passing.send(near, longest), 0);
  for (const one of [near, far]) passing.close(one);
});

test("Passing listens at a path that is this user's alone, and tells who has come", (passing) => {
  using libc = Libc.open();
  const dir = Deno.makeTempDirSync({ prefix: "maple_passing_" });
  const path = `${dir}/socket`;
  const umask = Deno.umask(0);
  try {
    assertStrictEquals(passing.connect(path), -2);
    const listener = passing.listen(path);
    assert(listener >= 0);
    assertStrictEquals(Deno.statSync(path).mode! & 0o777, 0o600);
    assertStrictEquals(passing.listen(path), -98);
    const near = passing.connect(path);
    const far = libc.accept(listener);
    assert(near >= 0 && far >= 0);
    assertEquals(passing.peerOf(far), { pid: Deno.pid, uid: Deno.uid()! });
    assertEquals(passing.peerOf(near), { pid: Deno.pid, uid: Deno.uid()! });
    assertStrictEquals(passing.ownUser, Deno.uid());
    for (const one of [near, far, listener]) passing.close(one);
    // The path is left: nobody listens there.
    assertStrictEquals(passing.connect(path), -111);
    assertStrictEquals(passing.remove(path), 0);
    assertNotEquals(passing.remove(path), 0);
  } finally {
    Deno.umask(umask);
    Deno.removeSync(dir, { recursive: true });
  }
});

test("Passing tells in words what has failed", (passing) => {
  assertEquals(passing.describe(-2), "No such file or directory");
  assertStrictEquals(passing.send(-1, new Uint8Array([1])), -9);
  assertStrictEquals(passing.isOpen(-1), false);
  const [near, far] = passing.pair();
  const copy = passing.copyOf(near);
  assert(copy !== near && passing.isOpen(copy));
  for (const one of [near, far, copy]) passing.close(one);
  assertStrictEquals(passing.isOpen(near), false);
  passing[Symbol.dispose]();
});
