/** From a host's name to packets on the wire, and what can prevent it. */
import { lookup } from 'node:dns/promises';
import { ClearDfError, shortened, usageError } from '../errors.js';
import { errnoName } from '../native/errno.js';
import { native, type NativeProbeError, type NativeProbeResult } from '../native.js';
import { readIpv4Prefix, singleAddress } from '../net/address.js';
import type { Send } from './probe.js';

interface ProbeOptions {
  /** An IPv4 address of this host; without it, as the route says. */
  from?: string | undefined;
  /** Of each question, 1–100. */
  tries: number;
  /** Seconds to wait for an answer. */
  timeout: number;
}

const HOST_FORM = 'a host name or an IPv4 address';
const NAME = /^[a-z0-9_]([\w.-]{0,252})$/i;
/** Short, octal and hexadecimal addresses, which getaddrinfo(3) would take: tools disagree on what they mean. */
const NUMBER_LAST = /(^|\.)(0x[\da-f]*|\d+)\.?$/i;
/** Milliseconds to the next try while no answer is there. */
const INTERVAL = 100;

/** What no size of packet can cure. */
const UNSENDABLE: Readonly<Record<string, string>> = {
  ENETUNREACH: 'this host has no route there',
  EHOSTUNREACH: 'this host has no route there',
  ENETDOWN: 'the device towards it is down',
  EACCES: 'it is a broadcast address, or a route forbids it',
  EINVAL: 'the kernel rejects it',
};

/**
 * The IPv4 address of a host.
 * @throws ClearDfError USAGE for what is neither a name nor an address of one host, ENVIRONMENT when the name has none
 */
export async function resolveHost(host: string): Promise<string> {
  const prefix = readIpv4Prefix(host);
  if (typeof prefix !== 'string') {
    if (prefix.hint !== undefined || !NAME.test(host) || NUMBER_LAST.test(host)) {
      throw usageError('HOST', host, HOST_FORM, prefix.hint);
    }
    return lookUp(host);
  }
  const address = host.includes('/') ? undefined : singleAddress(prefix);
  if (address === undefined || !isOneHost(address)) throw usageError('HOST', host, `${HOST_FORM} of one host`);
  return address;
}

/** Whether packets may come from it and go to it: not 0.0.0.0/8 (RFC 1122 §3.2.1.3), no group, nothing reserved. */
export function isOneHost(address: string): boolean {
  const first = Number(address.split('.')[0]);
  return first !== 0 && first < 224;
}

async function lookUp(host: string): Promise<string> {
  const { address } = await lookup(host, { family: 4 }).catch((cause: NodeJS.ErrnoException) =>
    unresolved(host, 'the name has no IPv4 address that could be found', cause),
  );
  // 0.0.0.0 is how hosts files and resolvers block a name.
  if (!isOneHost(address)) unresolved(host, `the name leads to ${address}, which is not the address of one host`);
  return address;
}

function unresolved(host: string, reason: string, cause?: NodeJS.ErrnoException): never {
  throw new ClearDfError({
    code: 'ENVIRONMENT',
    operation: 'resolve',
    object: shortened(host),
    reason,
    errno: cause?.code,
    hint: 'give the IPv4 address instead',
    cause,
  });
}

/**
 * A method of asking a host.
 * @param host as the user wrote it, for messages
 * @throws ClearDfError, the returned function does: PRIVILEGE without CAP_NET_RAW, ENVIRONMENT when nothing can be sent
 */
export function sendTo(host: string, destination: string, { from, tries, timeout }: ProbeOptions): Send {
  // 1.001 * 1000 is 1000.9999999999999.
  const milliseconds = Math.round(timeout * 1000);
  const always = { destination, source: from ?? '0.0.0.0', tries, timeout: milliseconds };
  const interval = Math.min(INTERVAL, milliseconds);
  return async (question) => {
    const results = await native()
      .probe({ ...always, ...question, interval })
      .catch((error: NativeProbeError) => cannotAsk(from, error));
    results.forEach((result) => refuseUnsendable(from === undefined ? host : `${host} from ${from}`, result));
    return results;
  };
}

function cannotAsk(from: string | undefined, error: NativeProbeError): never {
  if (error.errno === undefined) throw error;
  const errno = errnoName(error.errno);
  if (errno === 'EPERM' || errno === 'EACCES') {
    throw new ClearDfError({
      code: 'PRIVILEGE',
      operation: error.operation,
      reason: 'this process does not have CAP_NET_RAW',
      errno,
      hint: 'run it as root, or with ambient CAP_NET_RAW',
      cause: error,
    });
  }
  const bound = errno === 'EADDRNOTAVAIL';
  throw new ClearDfError({
    code: bound ? 'ENVIRONMENT' : 'RUNTIME',
    operation: error.operation,
    object: bound ? from : undefined,
    reason: bound ? 'this host does not have that address' : 'the kernel refused',
    errno,
    hint: bound ? "ip address shows this host's own; without --from the route chooses one" : undefined,
    cause: error,
  });
}

/** @param ends as `ip route get` takes them */
function refuseUnsendable(ends: string, { outcome, errno }: NativeProbeResult): void {
  const name = outcome === 'refused' ? errnoName(errno) : '';
  const reason = UNSENDABLE[name];
  if (reason === undefined) return;
  const hint = `ip route get ${ends} shows what the kernel would do`;
  throw new ClearDfError({ code: 'ENVIRONMENT', operation: 'send to', object: ends, reason, errno: name, hint });
}
