/**
 * Whether the kernel knows SRv6's End.DT4: a segment with it is made. Without strict mode a kernel that knows it says so
 * and refuses; one that does not (before 5.11) refuses the action itself.
 */
import { ClearDfError } from '../../errors.js';
import { readModules } from '../read/modules.js';
import { withModuleLock } from '../module-lock.js';
import { unloadTunnels } from '../modules.js';
import type { ProbeContext, Finding } from './context.js';
import type { PrivateNamespace } from './namespace.js';

/** Another than the gretap's of `ignore-df.ts`, which may still be there. */
const DEVICE = 'cdfprobe1';
const TABLE = '9';
const MODULE = 'vrf';

/** What is said of a VRF, in the kernel's words, is said by one that has understood the action. */
const UNDERSTOOD = /strict mode/i;

export async function probeEndDt4({ namespace, reason, modules, loadable, runner }: ProbeContext): Promise<Finding> {
  if (namespace === undefined) return { answer: 'unknown', evidence: reason };
  if (!modules.has(MODULE) && loadable !== undefined && !loadable.has(MODULE)) {
    return { answer: 'no', evidence: `this kernel has no ${MODULE}` };
  }
  return withModuleLock(runner, async () => {
    // Whoever loaded it since the bench was set up relies on it by now.
    const loaded = readModules().has(MODULE);
    try {
      return await tryOne(namespace);
    } finally {
      if (!loaded && readModules().has(MODULE)) {
        await namespace.run('ip', ['link', 'delete', DEVICE]).catch(() => '');
        await unloadTunnels(runner, MODULE, [namespace.name]);
      }
    }
  });
}

async function tryOne(namespace: PrivateNamespace): Promise<Finding> {
  try {
    // A namespace takes over what the first one has.
    await namespace.run('sysctl', ['-qw', 'net.ipv6.conf.default.disable_ipv6=0']).catch(() => '');
    await namespace.run('ip', ['link', 'add', DEVICE, 'type', 'vrf', 'table', TABLE]);
    await namespace.run('ip', ['link', 'set', DEVICE, 'up']);
  } catch (error) {
    const absent = /unknown device type|not supported/i.test(wordsOf(error));
    return { answer: absent ? 'no' : 'unknown', evidence: `no VRF could be made: ${wordsOf(error)}` };
  }
  const segment = ['fc00::1/128', 'encap', 'seg6local', 'action', 'End.DT4', 'vrftable', TABLE, 'dev', DEVICE];
  try {
    await namespace.run('ip', ['-6', 'route', 'add', ...segment]);
    return { answer: 'yes', evidence: 'a segment with End.DT4 was made in a private namespace' };
  } catch (error) {
    return judgeEndDt4(wordsOf(error));
  }
}

/** @param words of the kernel that has refused the segment */
export function judgeEndDt4(words: string): Finding {
  if (UNDERSTOOD.test(words)) return { answer: 'yes', evidence: `the kernel knows End.DT4: ${words}` };
  // Its own namespace may have inherited that.
  if (/IPv6 is disabled/i.test(words)) return { answer: 'unknown', evidence: `it could not be tried: ${words}` };
  return { answer: 'no', evidence: `a segment with End.DT4 was refused: ${words}` };
}

function wordsOf(error: unknown): string {
  if (error instanceof ClearDfError) return error.reason;
  throw error;
}
