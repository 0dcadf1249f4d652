/** The kernel's error numbers by name. */
import { constants } from 'node:os';

/** Of two names of one number the kernel's own: EAGAIN, EOPNOTSUPP. */
const OTHERS = new Set(['EWOULDBLOCK', 'ENOTSUP']);

const ERRNO_NAMES = new Map(
  Object.entries(constants.errno).flatMap(([name, value]) => (OTHERS.has(name) ? [] : [[value, name] as const])),
);

/** `EPERM` for 1; the number itself when the platform has no name for it. */
export function errnoName(errno: number): string {
  return ERRNO_NAMES.get(Math.abs(errno)) ?? `errno ${errno}`;
}
