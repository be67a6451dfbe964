// Who may ask a status server: whoever brings a token of a file that is its owner's alone.

import { assert, assertEquals, assertFalse, assertThrows } from "@std/assert";
import {
  serveStatus,
  STATUS_TOKEN_ENV,
  StatusAccess,
  StatusTokens,
  statusUrl,
} from "@maple/box/internal";
import { LogCollector } from "../../helpers/log_collector.ts";

const TOKEN = "0123456789abcdef-A";
const OTHER = "fedcba9876543210-B";

const fail = (message: string): Error => new TypeError(message);

/** A file with that text, which nobody else may use, for as long as `use` runs. */
async function withFile(
  text: string,
  use: (path: string) => void | Promise<void>,
): Promise<void> {
  const path = await Deno.makeTempFile();
  try {
    await Deno.writeTextFile(path, text);
    await Deno.chmod(path, 0o600);
    await use(path);
  } finally {
    await Deno.remove(path);
  }
}

Deno.test("StatusTokens takes a header with one of its tokens, and nothing like it", () => {
  const tokens = new StatusTokens([TOKEN, OTHER]);
  for (const header of [`Bearer ${TOKEN}`, `bearer  ${OTHER}`]) {
    assert(tokens.allows(header), header);
  }
  for (
    const header of [
      undefined,
      "",
      "Bearer",
      "Bearer ",
      TOKEN,
      `Basic ${TOKEN}`,
      `Bearer ${TOKEN.slice(0, -1)}`,
      `Bearer ${TOKEN}x`,
      `Bearer ${TOKEN.toLowerCase()}`,
      `Bearer ${TOKEN} ${OTHER}`,
      `Bearer ${TOKEN}, Bearer ${OTHER}`,
    ]
  ) assertFalse(tokens.allows(header), header);
  assertFalse(new StatusTokens([]).allows(`Bearer ${TOKEN}`));
  assertFalse(Deno.inspect(tokens, { depth: 9 }).includes(TOKEN));
  assertEquals(JSON.stringify(tokens), "{}");
});

Deno.test("serveStatus() answers whoever brings a token, and others what is open to all", async () => {
  const log = new LogCollector();
  const server = serveStatus("0", {
    "/": () => new Response("page"),
    "/metrics": () => new Response("figures"),
    "/broken": () => Promise.reject(new Error("it breaks")),
  }, { logger: log, access: new StatusTokens([TOKEN]), open: ["/"] });
  const url = statusUrl(server.addr);
  const ask = async (
    path: string,
    authorization?: string,
    method = "GET",
  ): Promise<Response & { said: string }> => {
    const response = await fetch(url + path, {
      method,
      headers: authorization === undefined ? {} : { authorization },
    });
    return Object.assign(response, { said: await response.text() });
  };
  const right = `Bearer ${TOKEN}`;
  assertEquals((await ask("")).said, "page");
  for (
    const [path, header, method] of [
      ["metrics"],
      ["metrics", `Bearer ${OTHER}`],
      ["metrics", `Basic ${btoa(`:${TOKEN}`)}`],
      [`metrics?token=${TOKEN}`],
      [`?access_token=${TOKEN}&/../metrics`, undefined, "DELETE"],
      ["nowhere"],
      ["metrics", undefined, "POST"],
      ["metrics", undefined, "OPTIONS"],
    ] as const
  ) {
    const response = await ask(path, header, method);
    const isOpen = path.startsWith("?");
    assertEquals(response.status, isOpen ? 405 : 401, `${method} ${path}`);
    if (!isOpen) {
      assertEquals(
        response.headers.get("www-authenticate"),
        'Bearer realm="maple"',
      );
    }
    assertFalse(response.said.includes("figures"));
    assertEquals(response.headers.get("access-control-allow-origin"), null);
  }
  const answer = await ask("metrics", right);
  assertEquals([answer.status, answer.said], [200, "figures"]);
  assertEquals(
    answer.headers.get("content-security-policy"),
    "default-src 'none'; frame-ancestors 'none'",
  );
  assertEquals(answer.headers.get("x-content-type-options"), "nosniff");
  assertEquals((await ask("metrics", right, "HEAD")).status, 200);
  for (const method of ["POST", "PUT", "DELETE", "OPTIONS", "PATCH"]) {
    assertEquals((await ask("metrics", right, method)).status, 405, method);
  }
  assertEquals((await ask("nowhere", right)).status, 404);
  assertEquals((await ask(`broken?token=${TOKEN}`, right)).status, 500);
  assert(log.lines.some((line) => line.includes("cannot answer /broken")));
  assertFalse(log.lines.some((line) => line.includes(TOKEN)));
  await server.close();
});

Deno.test("StatusAccess reads tokens of a file, one a line, and reads them anew", async () => {
  await withFile(`# of the monitor\n${TOKEN}\r\n\n${OTHER}\n`, async (file) => {
    const access = new StatusAccess({ file, fail });
    assertFalse(access.isOpen);
    for (const token of [TOKEN, OTHER]) {
      assert(access.allows(`Bearer ${token}`));
    }
    assertFalse(access.allows(undefined));
    await Deno.writeTextFile(file, OTHER);
    assert(access.allows(`Bearer ${TOKEN}`), "before it is told to");
    access.renew();
    assertFalse(access.allows(`Bearer ${TOKEN}`));
    assert(access.allows(`Bearer ${OTHER}`));
    await Deno.writeTextFile(file, "short");
    assertThrows(() => access.renew(), TypeError, "does not fit");
    assert(access.allows(`Bearer ${OTHER}`), "those before stay");
  });
});

Deno.test("StatusAccess refuses files that others may use, and tokens that could be guessed", async () => {
  await withFile(TOKEN, async (file) => {
    await Deno.chmod(file, 0o640);
    assertThrows(
      () => new StatusAccess({ file, fail }),
      TypeError,
      `Others than its owner may use the token file "${file}" (mode 640): chmod 600 it`,
    );
  });
  for (
    const [text, expected] of [
      ["", "There is no token in the token file"],
      ["# only words\n", "There is no token in the token file"],
      ["tooshort", "expected 16 to 256 letters, digits and signs, got 8"],
      ["x".repeat(257), "got 257 characters"],
      ["with a space in the middle", "does not fit"],
      [`${TOKEN}\n`.repeat(5), "There are 5 tokens"],
    ] as const
  ) {
    await withFile(text, (file) => {
      const { message } = assertThrows(
        () => new StatusAccess({ file, fail }),
        TypeError,
        expected,
      );
      for (const secret of [TOKEN, "tooshort", "middle"]) {
        assertFalse(message.includes(secret), message);
      }
      assertFalse(message.includes("\n"));
    });
  }
  assertThrows(
    () => new StatusAccess({ file: "/nowhere/token", fail }),
    TypeError,
    'Cannot read the token file "/nowhere/token"',
  );
});

Deno.test("StatusAccess takes what the variable holds where there is no file", async () => {
  assert(new StatusAccess({ fail }).isOpen);
  Deno.env.set(STATUS_TOKEN_ENV, `${TOKEN},${OTHER}`);
  try {
    const access = new StatusAccess({ fail });
    for (const token of [TOKEN, OTHER]) {
      assert(access.allows(`Bearer ${token}`));
    }
    assertFalse(access.allows("Bearer " + TOKEN + "," + OTHER));
    await withFile(OTHER, (file) => {
      const other = new StatusAccess({ file, fail });
      assertFalse(other.allows(`Bearer ${TOKEN}`), "the file counts alone");
    });
    Deno.env.set(STATUS_TOKEN_ENV, "short");
    assertThrows(
      () => new StatusAccess({ fail }),
      TypeError,
      `A token in ${STATUS_TOKEN_ENV} does not fit`,
    );
  } finally {
    Deno.env.delete(STATUS_TOKEN_ENV);
  }
});
