// What the options of a gateway stand for that are text or names of files.

import {
  type Certificate,
  checkTlsSupport,
  type HandshakeOptions,
  Heartbeats,
  type IpRange,
  listOf,
  MoveBoxes,
  parseIpRanges,
  parseOrigins,
  parsePath,
  readCertificates,
  readDenyFile,
} from "@maple/box/internal";
import { fail, GatewayError } from "./errors.ts";
import type { ResolvedOptions } from "./option_table.ts";

/**
 * Which WebSockets are opened.
 *
 * @throws {GatewayError} when the path or an origin is none.
 */
export function webSocketsOf(
  { wsPath, wsOrigins }: ResolvedOptions,
): HandshakeOptions {
  return {
    path: parsePath("Option wsPath", wsPath, fail),
    origins: parseOrigins("Option wsOrigins", wsOrigins, fail),
  };
}

/**
 * Which boxes are answered as heartbeats.
 *
 * @throws {GatewayError} when the class of the boxes cannot have such a command.
 */
export function heartbeatsOf(
  { boxClass, heartbeatCmd }: ResolvedOptions,
): Heartbeats | undefined {
  return heartbeatCmd === undefined
    ? undefined
    : new Heartbeats(boxClass, heartbeatCmd, fail);
}

/**
 * Which boxes ask clients to move.
 *
 * @throws {GatewayError} when the class of the boxes cannot have such a command.
 */
export function movesOf(
  { boxClass, moveCmd }: ResolvedOptions,
): MoveBoxes | undefined {
  return moveCmd === undefined
    ? undefined
    : new MoveBoxes(boxClass, moveCmd, fail);
}

/**
 * Where proxies are, which tell whom they speak for.
 *
 * @throws {GatewayError} when one is no range.
 */
export function proxiesOf({ proxyProtocol }: ResolvedOptions): IpRange[] {
  return parseIpRanges("Option proxyProtocol", proxyProtocol, fail);
}

/**
 * Who may not connect, the file left out.
 *
 * @throws {GatewayError} when one is no range.
 */
export function denyListOf({ deny }: ResolvedOptions): IpRange[] {
  return parseIpRanges("Option deny", deny, fail);
}

/**
 * Who may not connect; the file is read anew.
 *
 * @throws {GatewayError} with one line, when the file cannot be read or one is no range.
 */
export function deniedOf(options: ResolvedOptions): IpRange[] {
  const { denyFile } = options;
  if (denyFile === "") return denyListOf(options);
  try {
    return [...denyListOf(options), ...readDenyFile("denyFile", denyFile)];
  } catch (cause) {
    throw new GatewayError((cause as Error).message, { cause });
  }
}

/**
 * The certificates, read anew; none where no port is for TLS.
 *
 * @throws {GatewayError} with one line, when one cannot be used, or this Deno cannot.
 */
export function certificatesOf(
  { tlsPort, wssPort, tlsCert, tlsKey }: ResolvedOptions,
): Certificate[] {
  const [certs, keys] = [listOf(tlsCert), listOf(tlsKey)];
  if (tlsPort === undefined && wssPort === undefined) {
    if (certs.length === 0 && keys.length === 0) return [];
    throw fail("Options tlsCert and tlsKey need a tlsPort or wssPort");
  }
  try {
    checkTlsSupport();
    return readCertificates(certs, keys);
  } catch (cause) {
    throw new GatewayError((cause as Error).message, { cause });
  }
}
