// natsAccount: a NATS server's operator and account, and the credentials file of a user, as NATS's
// own tools make them.

import { Buffer } from "node:buffer";
import { nkeys } from "npm:@nats-io/transport-node@3.4.0";

/** What a server with accounts is told, and what its user shows. */
export interface NatsAccount {
  /** The server's config. */
  readonly config: string;
  /** The text of the user's credentials file. */
  readonly creds: string;
}

type Key = ReturnType<typeof nkeys.createUser>;

/** Makes one. */
export function natsAccount(): NatsAccount {
  const operator = nkeys.createOperator();
  const account = nkeys.createAccount();
  const user = nkeys.createUser();
  const any = { subs: -1, data: -1, payload: -1 };
  const limits = {
    ...any,
    ...{ imports: -1, exports: -1, wildcards: true, conn: -1, leaf: -1 },
  };
  const operatorJwt = jwt(operator, operator, { type: "operator" });
  const accountJwt = jwt(operator, account, { type: "account", limits });
  const userJwt = jwt(account, user, {
    ...{ type: "user", pub: {}, sub: {} },
    ...any,
  });
  return {
    config: `operator: ${operatorJwt}
resolver: MEMORY
resolver_preload: { ${account.getPublicKey()}: ${accountJwt} }
`,
    creds: `-----BEGIN NATS USER JWT-----
${userJwt}
------END NATS USER JWT------

-----BEGIN USER NKEY SEED-----
${new TextDecoder().decode(user.getSeed())}
------END USER NKEY SEED------
`,
  };
}

function jwt(signer: Key, of: Key, nats: Record<string, unknown>): string {
  const head = encode({ typ: "JWT", alg: "ed25519-nkey" });
  const claims = encode({
    ...{ jti: crypto.randomUUID(), iat: Math.floor(Date.now() / 1000) },
    ...{ iss: signer.getPublicKey(), sub: of.getPublicKey(), name: "test" },
    nats: { ...nats, version: 2 },
  });
  const text = `${head}.${claims}`;
  const signature = signer.sign(new TextEncoder().encode(text));
  return `${text}.${Buffer.from(signature).toString("base64url")}`;
}

function encode(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}
