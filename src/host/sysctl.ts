/** Kernel parameters below `/proc/sys`; those of `net/` are the reader's network namespace's. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { ClearDfError } from '../errors.js';
import { type Runner, errnoOf } from './exec.js';

const ROOT = '/proc/sys';

/**
 * A parameter's value, or undefined when the kernel has none of that name.
 * @param key with slashes, because device names may hold dots: `net/ipv4/conf/eth0.100/forwarding`
 * @throws ClearDfError ENVIRONMENT when `/proc` is not mounted, RUNTIME when it cannot be read
 */
export function readSysctl(key: string): string | undefined {
  try {
    return readFileSync(path.join(ROOT, key), 'utf8').trim();
  } catch (cause) {
    if (!existsSync(ROOT)) {
      throw new ClearDfError({
        code: 'ENVIRONMENT',
        operation: 'read sysctl',
        object: key,
        reason: `${ROOT} is not there`,
        hint: 'mount -t proc proc /proc',
        cause,
      });
    }
    const errno = errnoOf(cause);
    if (errno === 'ENOENT') return undefined;
    throw new ClearDfError({ code: 'RUNTIME', operation: 'read sysctl', object: key, reason: 'refused', errno, cause });
  }
}

/**
 * Sets a parameter; echoed as `sysctl -w`.
 * @throws ClearDfError PRIVILEGE, or RUNTIME with the kernel's errno
 */
export async function writeSysctl(runner: Runner, key: string, value: string): Promise<void> {
  await runner.effect(`sysctl -w ${key}=${value}`, () => {
    try {
      writeFileSync(path.join(ROOT, key), `${value}\n`);
    } catch (cause) {
      const errno = errnoOf(cause);
      const denied = errno === 'EPERM' || errno === 'EACCES';
      throw new ClearDfError({
        code: denied ? 'PRIVILEGE' : 'RUNTIME',
        operation: 'write sysctl',
        object: `${key}=${value}`,
        reason: denied ? 'not allowed' : 'the kernel refused it',
        errno,
        hint: denied
          ? 'run as root, or with CAP_NET_ADMIN'
          : errno === 'EROFS'
            ? 'kernel settings are read-only here, as in clear-df.service and in containers: set it in /etc/sysctl.d'
            : undefined,
        cause,
      });
    }
  });
}
