// What a secret proves, against codes that another implementation has made, and that it is shown
// nowhere.

import { assert, assertEquals } from "@std/assert";
import { PeerOpening, Secret } from "@maple/box/internal";
import {
  challengeFrame,
  greet,
  hello,
  ping,
  proofOf,
} from "@maple/box/internal";

const TEXT = "a-secret-of-sufficient-length";
const CHALLENGE = Uint8Array.from({ length: 32 }, (_, i) => i);

/** HMAC-SHA-256 by the other library of this platform. */
async function hmac(text: string, input: Uint8Array): Promise<Uint8Array> {
  const key = await crypto.subtle.importKey(
    "raw",
    new TextEncoder().encode(text),
    { name: "HMAC", hash: "SHA-256" },
    false,
    ["sign"],
  );
  return new Uint8Array(
    await crypto.subtle.sign("HMAC", key, input as Uint8Array<ArrayBuffer>),
  );
}

function bytes(...parts: (string | number | Uint8Array)[]): Uint8Array {
  return Uint8Array.from(
    parts.flatMap((part) =>
      typeof part === "string"
        ? [...new TextEncoder().encode(part)]
        : typeof part === "number"
        ? [part]
        : [...part]
    ),
  );
}

Deno.test("Secret makes the codes that the protocol says", async () => {
  // Shorter than a block of the hash, as long, longer.
  for (const length of [16, 63, 64, 65, 128, 256]) {
    const text = TEXT.repeat(10).slice(0, length);
    const secret = new Secret("admin", text);
    const { role, own, code } = secret.prove(CHALLENGE);
    assertEquals([role, own.length], ["admin", 32]);
    const expected = await hmac(text, bytes("peer", CHALLENGE, 4, own));
    assertEquals(new Uint8Array(code), expected);
    const back = await hmac(text, bytes("gateway", own, CHALLENGE));
    assertEquals(
      secret.gatewayCode(own, CHALLENGE),
      btoa(String.fromCharCode(...back)),
    );
  }
});

Deno.test("Secret takes its own proof, with new bytes each time, and no other", () => {
  const secret = new Secret("worker", TEXT);
  const proof = secret.prove(CHALLENGE);
  assert(secret.isProvenBy(proof, CHALLENGE));
  const again = secret.prove(CHALLENGE);
  assert(again.own.some((byte, i) => byte !== proof.own[i]));
  const other = new Secret("worker", `${TEXT}x`);
  assert(!other.isProvenBy(proof, CHALLENGE));
  // Recorded, and played back to another challenge.
  assert(!secret.isProvenBy(proof, CHALLENGE.map((byte) => byte ^ 1)));
  // As another role, by the same text.
  assert(!new Secret("admin", TEXT).isProvenBy(proof, CHALLENGE));
  assert(
    !new Secret("admin", TEXT).isProvenBy(
      { ...proof, role: "admin" },
      CHALLENGE,
    ),
  );
  for (const name of ["own", "code"] as const) {
    for (let i = 0; i < 32; i++) {
      const bent = proof[name].slice();
      bent[i]! ^= 0x80;
      assert(!secret.isProvenBy({ ...proof, [name]: bent }, CHALLENGE));
    }
  }
});

Deno.test("Secret does not take what a gateway proves for what a peer proves", () => {
  const secret = new Secret("worker", TEXT);
  const own = CHALLENGE.map((byte) => byte + 100);
  const code = Uint8Array.from(
    atob(secret.gatewayCode(own, CHALLENGE)),
    (char) => char.charCodeAt(0),
  );
  for (const challenge of [CHALLENGE, own]) {
    for (const mine of [own, CHALLENGE]) {
      const proof = { role: "worker" as const, own: mine, code };
      assert(!secret.isProvenBy(proof, challenge));
    }
  }
});

Deno.test("Secret is shown by nothing that prints it", () => {
  const secret = new Secret("monitor", TEXT);
  const shown = [
    String(secret),
    JSON.stringify(secret),
    Deno.inspect(secret, { depth: 9, showHidden: true }),
    Deno.inspect({ secret }, { getters: true }),
    Object.keys(secret).join(),
  ];
  for (const text of shown) assert(!text.includes(TEXT), text);
});

Deno.test("PeerOpening proves, and is open when the gateway has proven itself", () => {
  const secret = new Secret("worker", TEXT);
  const opening = new PeerOpening(secret, "worker");
  assert(opening.waits);
  const step = opening.take(challengeFrame(CHALLENGE));
  assert(step.kind === "send");
  const proof = proofOf(step.frame)!;
  assert(secret.isProvenBy(proof, CHALLENGE));
  const mac = secret.gatewayCode(proof.own, CHALLENGE);
  assertEquals(opening.take(greet({ mac })), { kind: "open" });
  assert(opening.isOpen);
});

Deno.test("PeerOpening refuses a gateway that does not prove itself", () => {
  const secret = new Secret("worker", TEXT);
  const other = new Secret("worker", "another-secret-of-length");
  const answers = (own: Uint8Array) => [
    greet({}),
    greet({ mac: "" }),
    greet({ mac: other.gatewayCode(own, CHALLENGE) }),
    greet({ mac: secret.gatewayCode(CHALLENGE, own) }),
    greet({ mac: btoa(String.fromCharCode(...secret.prove(own).code)) }),
    ping(1000),
    challengeFrame(CHALLENGE),
    hello({}),
  ];
  for (let i = 0; i < answers(CHALLENGE).length; i++) {
    const opening = new PeerOpening(secret, "worker");
    const step = opening.take(challengeFrame(CHALLENGE));
    assert(step.kind === "send");
    const { own } = proofOf(step.frame)!;
    const last = opening.take(answers(own)[i]!);
    assert(last.kind === "refuse" && last.why.includes("has not proven"));
    assert(!opening.isOpen);
    assert(!last.why.includes(TEXT));
  }
});

Deno.test("PeerOpening with a secret refuses a gateway that asks for no proof", () => {
  for (
    const frame of [greet({}), ping(1), challengeFrame(new Uint8Array(31))]
  ) {
    const opening = new PeerOpening(new Secret("trigger", TEXT), "trigger");
    const step = opening.take(frame);
    assert(step.kind === "refuse" && step.why.includes("asks for no proof"));
  }
});

Deno.test("PeerOpening without a secret opens with any frame but a challenge", () => {
  const opening = new PeerOpening(undefined, "trigger");
  assert(!opening.waits);
  assertEquals(opening.take(greet({})), { kind: "open" });
  const step = new PeerOpening(undefined, "trigger")
    .take(challengeFrame(new Uint8Array(0)));
  assert(step.kind === "refuse" && step.why.includes("has no secret"));
});
