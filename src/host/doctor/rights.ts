/** Whose root this is. */
import { readFileSync } from 'node:fs';
import type { Answer } from '../../tunnel/enums.js';

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
