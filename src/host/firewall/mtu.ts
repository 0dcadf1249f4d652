/** The machine's answers to what a rule names: its devices, and the MTU that `--larger-than mtu` means. */
import * as z from 'zod';
import { singleAddress } from '../../net/address.js';
import { type RuleSpec } from '../../rules/spec.js';
import { findDevice, routeTo } from '../devices.js';
import { type Runner } from '../exec.js';
import { readList } from '../facts/json.js';

const route = z.looseObject({
  dev: z.string().optional(),
  metrics: z.array(z.looseObject({ mtu: z.number().optional() })).default([]),
  nexthops: z.array(z.looseObject({ dev: z.string().optional() })).default([]),
});

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
  if (out) return Math.min(out.mtu, ...(await routeMtus(runner, out.name)));
  const remote = spec.remote === undefined ? undefined : singleAddress(spec.remote);
  return remote === undefined ? undefined : (await routeTo(runner, remote)).mtu;
}

/** The MTUs that routes out by a device have of their own, in whatever table. */
async function routeMtus(runner: Runner, device: string): Promise<number[]> {
  const args = ['-j', '-4', 'route', 'show', 'table', 'all'];
  const { items } = readList(route, await runner.query('ip', args), `ip ${args.join(' ')}`);
  return items
    .filter(({ dev, nexthops }) => dev === device || nexthops.some((hop) => hop.dev === device))
    .flatMap(({ metrics }) => metrics.flatMap(({ mtu }) => mtu ?? []));
}
