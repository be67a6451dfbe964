// CHALLENGE and PROOF, byte by byte, and what their readers make of foreign frames.

import { assert, assertEquals } from "@std/assert";
import { FrameReader, Task, TaskCmd } from "@maple/box";
import {
  challengeFrame,
  challengeOf,
  decodeGreeting,
  gatewayInput,
  greet,
  isChallenge,
  peerInput,
  PROOF_FRAME_BYTES,
  proofFrame,
  proofOf,
} from "@maple/box/internal";
import { feed, toHex } from "./support.ts";

const CHALLENGE = Uint8Array.from({ length: 32 }, (_, i) => i);
const OWN = Uint8Array.from({ length: 32 }, (_, i) => 0x40 + i);
const CODE = Uint8Array.from({ length: 32 }, (_, i) => 0xc0 + i);

function header(cmd: string, bodyBytes: number): string {
  const length = (76 + bodyBytes).toString(16).padStart(8, "0");
  return `7978aecf00000000${length}${cmd}${"0".repeat(2 * 60)}`;
}

Deno.test("challengeFrame() is a Task 300 with the random bytes as its body", () => {
  const frame = challengeFrame(CHALLENGE);
  assertEquals(toHex(frame), header("0000012c", 32) + toHex(CHALLENGE));
  assertEquals(challengeOf(frame), CHALLENGE);
});

Deno.test("proofFrame() is a Task 310 with the role, the own bytes and the code", () => {
  const numbers = { worker: 1, trigger: 2, monitor: 3, admin: 4 } as const;
  for (const role of ["worker", "trigger", "monitor", "admin"] as const) {
    const proof = { role, own: OWN, code: CODE };
    const frame = proofFrame(proof);
    assertEquals(
      toHex(frame),
      `${header("00000136", 65)}0${numbers[role]}${toHex(OWN)}${toHex(CODE)}`,
    );
    assertEquals(frame.length, PROOF_FRAME_BYTES);
    assertEquals(proofOf(frame), proof);
  }
});

Deno.test("what the codes are made of has the label of its side", () => {
  const text = (label: string) => toHex(new TextEncoder().encode(label));
  assertEquals(
    toHex(peerInput(CHALLENGE, { role: "monitor", own: OWN })),
    `${text("peer")}${toHex(CHALLENGE)}03${toHex(OWN)}`,
  );
  assertEquals(
    toHex(gatewayInput(OWN, CHALLENGE)),
    `${text("gateway")}${toHex(OWN)}${toHex(CHALLENGE)}`,
  );
});

Deno.test("both come whole out of a stream that is cut anywhere", () => {
  const frames = [
    challengeFrame(CHALLENGE),
    proofFrame({ role: "worker", own: OWN, code: CODE }),
  ];
  for (const frame of frames) {
    for (let cut = 1; cut < frame.length; cut++) {
      const reader = new FrameReader(Task, { frameBytes: 1024 });
      const pieces = [frame.subarray(0, cut), frame.subarray(cut)];
      const found = feed(reader, pieces);
      assertEquals(found.map(toHex), [toHex(frame)]);
    }
  }
});

Deno.test("a challenge of another length is none", () => {
  for (const length of [0, 1, 31, 33, 64, 1000]) {
    const frame = challengeFrame(new Uint8Array(length));
    assert(isChallenge(frame));
    assertEquals(challengeOf(frame), undefined);
  }
  const other = new Task({ cmd: 301, body: CHALLENGE }).pack();
  assertEquals(challengeOf(other), undefined);
});

Deno.test("a proof of another length, role or command is none", () => {
  for (const length of [0, 1, 33, 64, 66, 1000]) {
    const body = new Uint8Array(length).fill(1);
    const frame = new Task({ cmd: TaskCmd.PROOF, body }).pack();
    assertEquals(proofOf(frame), undefined);
  }
  for (const role of [0, 5, 127, 128, 255]) {
    const frame = proofFrame({ role: "worker", own: OWN, code: CODE });
    frame[76] = role;
    assertEquals(proofOf(frame), undefined);
  }
  const body = new Uint8Array(65).fill(1);
  assertEquals(proofOf(new Task({ cmd: 300, body }).pack()), undefined);
});

Deno.test("a greeting tells what proves the gateway, and nothing that is no text", () => {
  assertEquals(decodeGreeting(greet({ node: 1, mac: "abc=" })), {
    node: 1,
    mac: "abc=",
  });
  const strange = new Task({ cmd: TaskCmd.GREETING, body: { mac: 5 } });
  assertEquals(decodeGreeting(strange.pack()), {});
});
