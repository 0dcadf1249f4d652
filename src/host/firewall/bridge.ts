/**
 * What the bridge hook needs outside the rule itself. iptables sees bridged frames only through
 * br_netfilter, with `bridge-nf-call-iptables` on for all bridges or a bridge's own `nf_call_iptables`;
 * nft's own bridge family needs neither.
 */
import { release } from 'node:os';
import { ClearDfError } from '../../errors.js';
import type { Answer } from '../../tunnel/enums.js';
import { type Runner } from '../exec.js';
import { readBridgeFlag } from './bridge-flag.js';
import { readSysctl, writeSysctl } from '../sysctl.js';

const CALL_IPTABLES = 'net/bridge/bridge-nf-call-iptables';

/** How `bridge-nf-call-iptables` was found before it was switched on. */
type BridgeBefore = '0' | 'absent';

/**
 * Makes bridged IPv4 frames towards some bridge ports pass iptables: those of every bridge of this network
 * namespace, but for bridges that have it switched on by themselves. Loading br_netfilter makes them do so in every
 * network namespace at once: that is the module's own default.
 * @param ports names of the bridge ports
 * @returns how it was before, or undefined when nothing had to change
 */
export async function callIptables(runner: Runner, ports: readonly string[]): Promise<BridgeBefore | undefined> {
  const before = readSysctl(CALL_IPTABLES);
  if (before === '1') return undefined;
  if (before !== undefined && (await flags(runner, ports)).every((on) => on === true)) return undefined;
  if (before === undefined) await load(runner);
  try {
    if (before !== undefined || readSysctl(CALL_IPTABLES) === '0') await writeSysctl(runner, CALL_IPTABLES, '1');
  } catch (error) {
    if (before === undefined) await unload(runner);
    throw error;
  }
  return before === undefined ? 'absent' : '0';
}

/**
 * Whether bridged IPv4 frames towards every one of some bridge ports pass iptables now. A port that is in no bridge
 * counts as if they did: there are none.
 * @throws ClearDfError RUNTIME when there is no such device
 */
export async function callsIptables(runner: Runner, ports: readonly string[]): Promise<boolean> {
  const all = readSysctl(CALL_IPTABLES);
  if (all === undefined || all === '1') return all === '1';
  return (await flags(runner, ports)).every((on) => on !== false);
}

function flags(runner: Runner, ports: readonly string[]): Promise<(boolean | undefined)[]> {
  return Promise.all(ports.map((port) => readBridgeFlag(runner, port)));
}

/** Undoes {@link callIptables} right after it: the module goes too when it came with it. */
export async function undoCallIptables(runner: Runner, before: BridgeBefore): Promise<void> {
  if (before === 'absent') await unload(runner);
  else await writeSysctl(runner, CALL_IPTABLES, '0');
}

/**
 * Puts it back later, when the last rule that needed it is gone. The module stays: others may have
 * come to rely on it; in this namespace bridged frames pass iptables no longer.
 */
export async function stopCallingIptables(runner: Runner): Promise<void> {
  if (readSysctl(CALL_IPTABLES) === '1') await writeSysctl(runner, CALL_IPTABLES, '0');
}

/** @throws ClearDfError; a service may be kept from loading modules */
async function load(runner: Runner): Promise<void> {
  try {
    await runner.change('modprobe', ['br_netfilter']);
  } catch (error) {
    if (!(error instanceof ClearDfError)) throw error;
    const hint = `${error.hint === undefined ? '' : `${error.hint}; `}clear-df.service loads no modules: br_netfilter in /etc/modules-load.d loads it at boot`;
    throw new ClearDfError({ ...error, reason: error.reason, hint, cause: error });
  }
}

async function unload(runner: Runner): Promise<void> {
  await runner.change('modprobe', ['-r', 'br_netfilter']);
}

/**
 * Whether a packet handed back to an nft bridge queue goes on: it does on 5.10 to 6.12 and does not
 * on 7.2; others have not been measured.
 * @param kernel as `uname -r` prints it
 */
export function bridgeQueueReturns(kernel: string): Answer {
  const [major = 0, minor = 0] = kernel.split('.').map((part) => Number.parseInt(part, 10));
  const version = major * 1000 + minor;
  if (version >= 7002) return 'no';
  return version >= 5010 && version <= 6012 ? 'yes' : 'unknown';
}

/**
 * @returns a warning where the running kernel has not been measured
 * @throws ClearDfError ENVIRONMENT where it loses every packet of an nft bridge queue
 */
export function checkBridgeQueue(kernel = release()): string | undefined {
  const returns = bridgeQueueReturns(kernel);
  if (returns === 'yes') return undefined;
  const words = 'nft bridge queue loses every packet that it is handed back';
  if (returns === 'unknown')
    return `on some kernels the ${words}, not on 5.10 to 6.12; ${kernel} has not been measured`;
  throw new ClearDfError({
    code: 'ENVIRONMENT',
    operation: 'use',
    object: '--backend nft --hook bridge',
    reason: `on kernel ${kernel} the ${words}`,
    hint: 'use --backend iptables-nft, which goes through br_netfilter',
  });
}
