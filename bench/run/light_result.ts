// What the light gateways tell, and what they and their benchmark have to agree on.

/** Bytes of a message to a user, a box with its header. */
export const BODY_BYTES = 64;

/** What the light gateways have done. */
export interface LightResult {
  /** How long it took. */
  readonly seconds: number;
  /** Processor seconds that they used. */
  readonly cpu: number;
  /** Messages about logins and to users that the bus has taken. */
  readonly sent: number;
  /** What has come: logins, each told one counted, and messages to users. */
  readonly received: { readonly logins: number; readonly messages: number };
}
