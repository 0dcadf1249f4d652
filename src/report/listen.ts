/** `ADDR:PORT`, where statistics are served. */
import { isIP } from 'node:net';
import { usageError } from '../errors.js';

/** Where `/metrics` and `/stats` are served by default: loopback only. */
export const DEFAULT_LISTEN = '127.0.0.1:9857';

export interface Listen {
  /** IPv4 or IPv6 address, without brackets. */
  host: string;
  /** 0 takes any free port. */
  port: number;
}

const ACCEPTED = `ADDR:PORT such as ${DEFAULT_LISTEN} or [::1]:9857`;

/**
 * Reads `ADDR:PORT`, `[IPV6]:PORT` or `off`.
 * @param option the flag to name when it is refused
 * @throws ClearDfError USAGE when it is none of these
 */
export function parseListen(text: string, option = '--metrics'): Listen | 'off' {
  return text === 'off' ? 'off' : readListen(text, option, `${ACCEPTED}, or off`);
}

/**
 * Reads `ADDR:PORT` or `[IPV6]:PORT`, where statistics are read from.
 * @param option the flag to name when it is refused
 * @throws ClearDfError USAGE when it is neither
 */
export function parseFrom(text: string, option = '--from'): Listen {
  return readListen(text, option, ACCEPTED);
}

function readListen(text: string, option: string, accepted: string): Listen {
  const match = /^(?:\[([^[\]]+)\]|([^[\]:]+)):(\d{1,5})$/.exec(text);
  const [, ipv6, ipv4, digits] = match ?? [];
  const port = Number(digits);
  const host = ipv6 ?? ipv4 ?? '';
  if (isIP(host) !== (ipv6 === undefined ? 4 : 6) || !(port <= 65_535)) {
    throw usageError(option, text, accepted);
  }
  return { host, port };
}

/** `http://127.0.0.1:9857` */
export function urlOf({ host, port }: Listen): string {
  return isIP(host) === 6 ? `http://[${host}]:${port}` : `http://${host}:${port}`;
}
