/** What this process may do, and whose root it is, as `/proc` shows. */
import { readFileSync } from 'node:fs';
import type { Answer } from '../../tunnel/enums.js';

/** `linux/capability.h` */
const CAP_NET_ADMIN = 12n;

/** Whether the effective set of a `/proc/<pid>/status` text holds CAP_NET_ADMIN (capabilities(7)). */
export function netAdminIn(status: string): Answer {
  const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1];
  if (effective === undefined) return 'unknown';
  return (BigInt(`0x${effective}`) >> CAP_NET_ADMIN) & 1n ? 'yes' : 'no';
}

/** Whether this process has CAP_NET_ADMIN, in the user namespace it runs in. */
export function netAdmin(): Answer {
  try {
    return netAdminIn(readFileSync('/proc/self/status', 'utf8'));
  } catch {
    return 'unknown';
  }
}

/** All of the numbers there are, mapped to themselves: user_namespaces(7). */
const EVERYBODY = /^\s*0\s+0\s+4294967295\s*$/;

/** Whether this process is in the first user namespace, so that CAP_NET_ADMIN there is the kernel's own. */
export function inFirstUsers(): Answer {
  try {
    return EVERYBODY.test(readFileSync('/proc/self/uid_map', 'utf8')) ? 'yes' : 'no';
  } catch {
    return 'unknown';
  }
}
