/** Devices by number, and the gretap tunnels among them with the ends of their outer headers. */
import * as z from 'zod';
import { ClearDfError } from '../../errors.js';
import { ETHERNET, GRE, GRE_KEY, IPV4 } from '../../net/overhead.js';
import type { TunnelEnds } from '../../trace/flow.js';
import { routeTo } from '../devices.js';
import type { Runner } from '../exec.js';
import { readJson } from '../facts/json.js';

const WORDS = ['-d', '-j', 'link', 'show'];
const device = z.object({
  ifindex: z.number(),
  ifname: z.string(),
  linkinfo: z
    .object({ info_kind: z.string().optional(), info_data: z.record(z.string(), z.unknown()).optional() })
    .optional(),
});
const listing = z.array(z.union([device, z.strictObject({})]));

export interface TraceDevices {
  names: ReadonlyMap<number, string>;
  tunnels: TunnelEnds[];
}

/** @throws ClearDfError ENVIRONMENT without iproute2 */
export async function readTraceDevices(runner: Runner): Promise<TraceDevices> {
  const listed = readJson(listing, await runner.query('ip', WORDS), `ip ${WORDS.join(' ')}`);
  const devices = listed.flatMap((one) => ('ifname' in one ? [one] : []));
  const tunnels: TunnelEnds[] = [];
  for (const { ifname, linkinfo } of devices) {
    const { local, remote, okey } = linkinfo?.info_data ?? {};
    const ends = linkinfo?.info_kind === 'gretap' && typeof local === 'string' && typeof remote === 'string';
    // The kernel's own gretap0 has no ends: any.
    if (!ends || local === 'any' || remote === 'any') continue;
    const key = okey === undefined || okey === '0.0.0.0' ? 0 : GRE_KEY.bytes;
    const overhead = IPV4.bytes + GRE.bytes + key + ETHERNET.bytes;
    tunnels.push({ name: ifname, local, remote, overhead, pathMtu: await pathMtu(runner, remote) });
  }
  return { names: new Map(devices.map(({ ifindex, ifname }) => [ifindex, ifname])), tunnels };
}

async function pathMtu(runner: Runner, remote: string): Promise<number | undefined> {
  try {
    return (await routeTo(runner, remote)).mtu;
  } catch (error) {
    if (error instanceof ClearDfError) return undefined;
    throw error;
  }
}
