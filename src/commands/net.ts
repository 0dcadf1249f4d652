/** The verbs of `clear-df net`: one file of all sites, and what comes of it for each router. */
import { usageError } from '../errors.js';
import { netPicture } from '../tunnel/net/picture.js';
import { netText, pathSizes } from '../tunnel/net/sizes.js';
import { readNet } from './net/files.js';

export { netDiff } from './net/diff.js';
export { netWrite } from './net/write.js';

const PATH_MTU = { min: 576, max: 65_535 };

interface ShowRequest {
  as: 'text' | 'json' | 'svg';
  /** What each path carries, bytes; what Ethernet does unless given. */
  pathMtu: string | undefined;
}

/**
 * The sites of a net and the sizes of its paths. Reads the net's file alone.
 * @throws ClearDfError USAGE for what is in it
 */
export function netShow(file: string, { as, pathMtu }: ShowRequest): string {
  const mtu = pathMtu === undefined ? undefined : mtuOf(pathMtu);
  const net = readNet(file);
  if (as === 'svg') return netPicture(net, mtu);
  if (as === 'text') return netText(net, mtu);
  const { name, shape, hub, sites } = net;
  const paths = pathSizes(net, mtu).map(({ path: { ends }, sizes }) => ({
    sites: ends.map(({ site }) => site),
    tunnel: ends[0].tunnel,
    type: ends[0].parsed.tunnel.type,
    carrier: ends[0].parsed.carrier.type,
    sizes,
  }));
  return `${JSON.stringify({ name, shape, hub, sites, paths }, null, 2)}\n`;
}

function mtuOf(text: string): number {
  const mtu = /^\d{1,5}$/.test(text) ? Number(text) : NaN;
  if (mtu >= PATH_MTU.min && mtu <= PATH_MTU.max) return mtu;
  throw usageError('--path-mtu', text, `bytes, ${PATH_MTU.min}-${PATH_MTU.max}`);
}
