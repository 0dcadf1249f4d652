/** The machine's answers to what a rule names: its devices, and the MTU that `--larger-than mtu` means. */
import { singleAddress } from '../../net/address.js';
import { type RuleSpec } from '../../rules/spec.js';
import { findDevice, routeTo } from '../devices.js';
import { type Runner } from '../exec.js';

/**
 * Bytes of the MTU of `--out-dev`, else of the route to `--remote`; undefined when no rule asks for it.
 * @throws ClearDfError ENVIRONMENT when a device that the rule names, or the route, does not exist
 */
export async function egressMtu(runner: Runner, spec: RuleSpec): Promise<number | undefined> {
  if (spec.inDev !== undefined) await findDevice(runner, spec.inDev, '--in-dev');
  const out = spec.outDev === undefined ? undefined : await findDevice(runner, spec.outDev, '--out-dev');
  if (spec.largerThan !== 'mtu') return undefined;
  if (out) return out.mtu;
  const remote = spec.remote === undefined ? undefined : singleAddress(spec.remote);
  return remote === undefined ? undefined : (await routeTo(runner, remote)).mtu;
}
