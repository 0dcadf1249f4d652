/** Devices by number, and the gretap tunnels among them with the ends of their outer headers. */
import { ClearDfError } from '../../errors.js';
import { bytesOf, greOverhead, IPV4 } from '../../net/overhead.js';
import type { TunnelEnds } from '../../trace/flow.js';
import type { Runner } from '../exec.js';
import { listLinks } from '../read/links.js';
import { routeTo } from '../read/path.js';

interface TraceDevices {
  names: ReadonlyMap<number, string>;
  tunnels: TunnelEnds[];
}

/** @throws ClearDfError ENVIRONMENT without iproute2 */
export async function readTraceDevices(runner: Runner): Promise<TraceDevices> {
  const { links } = await listLinks(runner, ['-d']);
  const tunnels: TunnelEnds[] = [];
  for (const { ifname, linkinfo } of links) {
    const { local, remote, okey } = linkinfo.info_data;
    const ends = linkinfo.info_kind === 'gretap' && typeof local === 'string' && typeof remote === 'string';
    // The kernel's own gretap0 has no ends: any.
    if (!ends || local === 'any' || remote === 'any') continue;
    const overhead = bytesOf([...greOverhead(okey !== undefined && okey !== '0.0.0.0'), IPV4]);
    tunnels.push({ name: ifname, local, remote, overhead, pathMtu: await pathMtu(runner, remote) });
  }
  return { names: new Map(links.map(({ ifindex = 0, ifname }) => [ifindex, ifname])), tunnels };
}

async function pathMtu(runner: Runner, remote: string): Promise<number | undefined> {
  try {
    return (await routeTo(runner, remote)).mtu;
  } catch (error) {
    if (error instanceof ClearDfError) return undefined;
    throw error;
  }
}
