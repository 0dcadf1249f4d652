/** The machine's answers to what a rule names: its devices, and the MTU that `--larger-than mtu` means. */
import { singleAddress } from '../../net/address.js';
import { type RuleSpec } from '../../rules/spec.js';
import { findDevice } from '../read/links.js';
import { type Runner } from '../exec.js';
import { routeMtus, routeTo } from '../read/path.js';

/** Bytes of the longest IPv4 packet; lo has an MTU of 65,536, which no rule takes. */
const LONGEST = 65_535;

/**
 * Bytes of the MTU of `--out-dev`, or of the smallest route that leads out by it; else of the route to `--remote`;
 * undefined when no rule asks for it. The kernel forwards by the route's MTU where it has one
 * (ip_dst_mtu_maybe_forward()), and which route a packet takes is not known at prerouting.
 * @throws ClearDfError ENVIRONMENT when a device that the rule names, or the route, does not exist
 */
export async function egressMtu(runner: Runner, spec: RuleSpec): Promise<number | undefined> {
  if (spec.inDev !== undefined) await findDevice(runner, spec.inDev, '--in-dev');
  const out = spec.outDev === undefined ? undefined : await findDevice(runner, spec.outDev, '--out-dev');
  if (spec.largerThan !== 'mtu') return undefined;
  if (out) return Math.min(LONGEST, out.mtu, ...(await routeMtus(runner, out.name)));
  const remote = spec.remote === undefined ? undefined : singleAddress(spec.remote);
  return remote === undefined ? undefined : Math.min(LONGEST, (await routeTo(runner, remote)).mtu);
}

/** The same of each spec, in their order. @throws ClearDfError as {@link egressMtu} */
export async function egressMtus(runner: Runner, specs: readonly RuleSpec[]): Promise<(number | undefined)[]> {
  const mtus: (number | undefined)[] = [];
  for (const spec of specs) mtus.push(await egressMtu(runner, spec));
  return mtus;
}

/**
 * The limits that rules with `largerThan: mtu` go by now, as a text to compare; empty when no rule asks for one.
 * @throws ClearDfError ENVIRONMENT when a device or route that the rules name is not there
 */
export async function mtuLimits(runner: Runner, specs: readonly RuleSpec[]): Promise<string> {
  return limitsText(
    await egressMtus(
      runner,
      specs.filter(({ largerThan }) => largerThan === 'mtu'),
    ),
  );
}

/** The same of MTUs that have been read. */
export function limitsText(mtus: readonly (number | undefined)[]): string {
  return mtus.filter((mtu) => mtu !== undefined).join(', ');
}
