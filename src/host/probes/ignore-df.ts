/** Whether a gretap takes `ignore-df`: one is made so, and looked at. */
import { ClearDfError } from '../../errors.js';
import { parseLinks } from '../read/links.js';
import { readModules } from '../read/modules.js';
import { withModuleLock } from '../module-lock.js';
import { unloadTunnels } from '../modules.js';
import type { PrivateNamespace } from './namespace.js';
import type { Runner } from '../exec.js';
import type { ProbeContext, Finding } from './context.js';

const DEVICE = 'cdfprobe0';
const MODULE = 'ip_gre';

export async function probeIgnoreDf(bench: ProbeContext): Promise<Finding> {
  const { namespace, reason, modules, loadable, runner } = bench;
  if (namespace === undefined) return { answer: 'unknown', evidence: reason };
  if (!modules.has(MODULE) && loadable !== undefined && !loadable.has(MODULE)) {
    return { answer: 'no', evidence: `this kernel has no ${MODULE}` };
  }
  return withModuleLock(runner, () => tryOne(namespace, runner));
}

async function tryOne(namespace: PrivateNamespace, runner: Runner): Promise<Finding> {
  // Whoever loaded it since the bench was set up relies on it by now.
  const loaded = readModules().has(MODULE);
  try {
    const ends = ['local', '127.0.0.1', 'remote', '127.0.0.2'];
    await namespace.run('ip', ['link', 'add', DEVICE, 'type', 'gretap', ...ends, 'nopmtudisc', 'ignore-df']);
    const { links } = parseLinks(await namespace.run('ip', ['-d', '-j', 'address', 'show', 'dev', DEVICE]));
    const [link] = links;
    const kept = link?.data['ignore_df'] === true || link?.data['ignore-df'] === true;
    if (kept) return { answer: 'yes', evidence: 'a gretap with ignore-df was made in a private namespace' };
    return { answer: 'no', evidence: 'a gretap was made with ignore-df, and does not show it' };
  } catch (error) {
    if (!(error instanceof ClearDfError)) throw error;
    const absent = /unknown device type|not supported/i.test(error.reason);
    return { answer: absent ? 'no' : 'unknown', evidence: `no gretap could be made: ${error.reason}` };
  } finally {
    // Left loaded, it would show gre0, gretap0 and erspan0 in every namespace.
    if (!loaded && readModules().has(MODULE)) {
      await namespace.run('ip', ['link', 'delete', DEVICE]).catch(() => '');
      await unloadTunnels(runner, MODULE, [namespace.name]);
    }
  }
}
